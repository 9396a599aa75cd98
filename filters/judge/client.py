"""A vision-language model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from filters.judge.answers import Answer
from filters.judge.conversation import SAMPLING
from schemas.errors import RecipeError
from schemas.recipe.filters.judge import JudgeSection

if TYPE_CHECKING:
    import openai

#: Seconds: to be let in by the server at most; the first pause before a retry and the longest, as in openai's client;
#: and the longest pause that openai's client lets a server ask for (Retry-After).
_CONNECT, _FIRST_PAUSE, _LONGEST_PAUSE, _LONGEST_ASKED = 10.0, 0.5, 8.0, 120.0
#: Characters of a server's message that are kept.
_TOLD = 200


class EndpointError(Exception):
    """A request that brought no answer.

    kind: `absent` when nobody listens at the url, `failing` when there was no good reply in all retries, `refused`
    when the server would not have this request.
    """

    def __init__(self, message: str, kind: Literal["absent", "failing", "refused"]) -> None:
        super().__init__(message)
        self.kind = kind


class Endpoint:
    """The server at `section.url`. Raises RecipeError without the package openai or without the key that is named."""

    def __init__(self, section: JudgeSection) -> None:
        if find_spec("openai") is None:
            raise RecipeError("filters.judge.provider: 'endpoint' needs the package openai; install tarnish[judge]")
        self._section = section
        self._key = "none"
        if variable := section.api_key_variable:
            self._key = os.environ.get(variable, "")
            if not self._key:
                raise RecipeError(
                    f"filters.judge.api_key_variable: {variable!r} is not set; set it to the server's key, or leave "
                    "the field empty for a server without one"
                )

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        """A connection within the running event loop."""
        import openai

        section = self._section
        timeout = openai.Timeout(section.timeout, connect=min(section.timeout, _CONNECT))
        async with openai.AsyncOpenAI(base_url=section.url, api_key=self._key, timeout=timeout) as client:
            yield Connection(client, section)


class Connection:
    """Requests to the endpoint.

    Of what can go wrong openai's client retries, with growing pauses or after Retry-After: timeouts, connections that
    are refused, reset or cut off, and the statuses 408, 409, 429 and 5xx. Retried here besides, out of the same number
    of retries: replies that are no chat completion. A request ends in a bounded time even when a server sends on and
    on without an end.
    """

    def __init__(self, client: openai.AsyncOpenAI, section: JudgeSection) -> None:
        self._client, self._section = client, section
        self._patience = (section.retries + 1) * section.timeout + section.retries * _LONGEST_ASKED

    async def answer(self, messages: Sequence[dict[str, Any]]) -> Answer:
        """The model's answer to `messages`. Raises EndpointError."""
        import openai

        try:
            async with asyncio.timeout(self._patience):
                return await self._retried(messages)
        except (openai.APITimeoutError, TimeoutError) as error:
            raise self._error(f"no answer within {self._section.timeout:g} s", _kind(error)) from error
        except openai.APIConnectionError as error:
            raise self._error(f"{type(error.__cause__).__name__}: {error.__cause__}", _kind(error)) from error
        except openai.APIStatusError as error:
            told = f"status {error.status_code}: {error.response.text}"
            if error.status_code == 404:
                told += f" (is {self._section.model!r} the name that the server knows?)"
            busy = error.status_code in (408, 409, 429) or error.status_code >= 500
            raise self._error(told, "failing" if busy else "refused") from error

    async def _retried(self, messages: Sequence[dict[str, Any]]) -> Answer:
        import openai

        # What the environment says of an account with OpenAI is no concern of this server.
        withheld = {"OpenAI-Organization": openai.omit, "OpenAI-Project": openai.omit}
        retries, used = self._section.retries, 0
        while True:
            completions = self._client.with_options(max_retries=retries - used).chat.completions
            reply = await completions.with_raw_response.create(
                model=self._section.model,
                messages=list(messages),
                extra_headers=withheld,
                **SAMPLING,
            )
            answer = _answer(reply.text)
            if answer is not None:
                return answer
            used += reply.retries_taken + 1
            if used > retries:
                raise self._error(f"the reply is no chat completion: {reply.text}", "failing")
            await asyncio.sleep(min(_FIRST_PAUSE * 2.0 ** (used - 1), _LONGEST_PAUSE))

    def _error(self, told: str, kind: Literal["absent", "failing", "refused"]) -> EndpointError:
        told = " ".join(told.split()).replace(self._client.api_key, "***")[:_TOLD]
        return EndpointError(f"filters.judge.url: {self._section.url}: {told}", kind)


def _answer(body: str) -> Answer | None:
    """The answer in the body of a reply, None when it is no chat completion with at least one choice."""
    try:
        choice = json.loads(body)["choices"][0]
        text, finished = choice["message"]["content"], choice.get("finish_reason") != "length"
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if text is not None and not isinstance(text, str):
        return None
    return Answer((text or "").encode("utf-8", "replace").decode(), finished)


def _kind(error: Exception) -> Literal["absent", "failing"]:
    """Whether it was the connection itself that could not be made."""
    return "absent" if type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout") else "failing"
