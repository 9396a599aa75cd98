"""A judge of pictures: RealRestorer's degradation score, and whether a picture suits as a source."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from filters.contract import Finding
from filters.judge.answers import Answer
from filters.judge.asking import Asking
from filters.judge.breaker import Breaker
from filters.judge.cache import AnswerCache, fingerprint
from filters.judge.client import Connection, Endpoint, EndpointError
from filters.judge.conversation import encoded, messages
from filters.judge.questions import VERSION, Kind, question
from filters.looking import Picture
from schemas.recipe.filters.judge import JudgeSection


class EndpointJudge:
    """Asks the model of an OpenAI-compatible endpoint about each picture, `section.concurrency` at a time.

    Scores of kind `degradation`: judge.degradation, 1 (severe) to 5 (none), of the picture's own degradation; of kind
    `suitability`: judge.collage, judge.screenshot, judge.drawing, judge.heavy_text, judge.watermark, judge.border, 0 or
    1. Either: judge.KIND.malformed, the number of malformed answers; after `section.attempts` of them the scores are
    absent. A clean picture is asked for no degradation score and its finding is empty.

    Scores do not depend on the order of pictures, on concurrency or on what else is looked at.
    Raises RecipeError without the package openai, without the key that the recipe names, and for a cache that cannot be
    made.
    """

    def __init__(self, section: JudgeSection, kind: Kind) -> None:
        self._section, self._kind = section, kind
        self._endpoint = Endpoint(section)
        self._cache = AnswerCache(section.cache, section.model)
        self.label = f"judge.{kind}=endpoint:{section.model}@{VERSION}"

    def load(self) -> None:
        """Nothing: a server that is down when a run starts may be up when it is needed."""

    def look(self, pictures: Sequence[Picture]) -> list[Finding | Exception]:
        """A finding, or the exception that it cost, for each picture, in order.

        Once nobody listens at the endpoint, or three requests in a row have failed for good, pictures that are not yet
        under way are not asked about; kept answers serve all the same.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._look(pictures))
        with ThreadPoolExecutor(1) as aside:  # within a notebook's or an actor's own loop
            return aside.submit(asyncio.run, self._look(pictures)).result()

    async def _look(self, pictures: Sequence[Picture]) -> list[Finding | Exception]:
        turns, breaker = asyncio.Semaphore(self._section.concurrency), Breaker()
        async with self._endpoint.connected() as connection:

            async def one(picture: Picture) -> Finding | Exception:
                async with turns:
                    try:
                        return await self._find(picture, connection, breaker)
                    except Exception as error:
                        return error

            return list(await asyncio.gather(*map(one, pictures)))

    async def _find(self, picture: Picture, connection: Connection, breaker: Breaker) -> Finding:
        asked = question(self._kind, picture.degradation)
        if asked is None:
            return Finding()
        asking = Asking(asked, self._section.attempts)
        jpeg = encoded(picture.pixels, self._section.long_side)
        shown = fingerprint(jpeg)
        answers = list(self._cache.get(shown, asked))
        if not asking.settled(answers):
            while not asking.settled(answers):
                answers.append(await self._ask(messages(jpeg, asked, answers), connection, breaker))
            self._cache.put(shown, asked, answers)
        return asking.finding(answers)

    async def _ask(self, chat: list[dict[str, object]], connection: Connection, breaker: Breaker) -> Answer:
        breaker.check()
        try:
            answer = await connection.answer(chat)
        except EndpointError as error:
            breaker.failed(error)
            raise
        breaker.succeeded()
        return answer


class KeptJudge:
    """Scores pictures from the answers that a pass over them with Ray Data's vLLM processor has kept.

    A picture without kept answers costs its finding, and is scored on resume after the pass.
    Raises RecipeError for a cache that cannot be made.
    """

    def __init__(self, section: JudgeSection, kind: Kind) -> None:
        self._section, self._kind = section, kind
        self._cache = AnswerCache(section.cache, section.model)
        self.label = f"judge.{kind}=vllm:{section.model}@{VERSION}"

    def load(self) -> None:
        """Nothing: there is no model here."""

    def look(self, pictures: Sequence[Picture]) -> list[Finding | Exception]:
        """A finding, or why there is none, for each picture, in order."""
        return [self._find(picture) for picture in pictures]

    def _find(self, picture: Picture) -> Finding | Exception:
        asked = question(self._kind, picture.degradation)
        if asked is None:
            return Finding()
        asking = Asking(asked, self._section.attempts)
        answers = self._cache.get(fingerprint(encoded(picture.pixels, self._section.long_side)), asked)
        if asking.settled(answers):
            return asking.finding(answers)
        return EndpointError(
            "no answer of the vLLM pass is kept; run the pass with the same recipe, then resume", "absent"
        )
