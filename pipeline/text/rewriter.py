"""Texts reworded by a language model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from filters.judge.client import Connection, Endpoint
from pipeline.text.rewrite import accept_rewrite, rewriting_prompt
from schemas.recipe.filters import JudgeSection
from schemas.recipe.text import RewriterSection
from schemas.text import TextRow


class Rewriter:
    """Asks the model of `section` to reword each answer, and takes what says the same.

    Raises RecipeError without the package openai, or without the key that the recipe names.
    """

    def __init__(self, section: RewriterSection) -> None:
        self._concurrency = section.concurrency
        self._endpoint = Endpoint(JudgeSection(provider="endpoint", **section.model_dump()))

    def rewrite(self, texts: Sequence[TextRow]) -> tuple[list[TextRow], list[str]]:
        """The texts, reworded where that could be accepted, and what went wrong: each fault once."""
        return asyncio.run(self._rewrite(texts))

    async def _rewrite(self, texts: Sequence[TextRow]) -> tuple[list[TextRow], list[str]]:
        turns = asyncio.Semaphore(self._concurrency)
        async with self._endpoint.connected() as connection:

            async def one(text: TextRow) -> TextRow | Exception:
                async with turns:
                    try:
                        return await _reworded(text, connection)
                    except Exception as error:
                        return error

            found = await asyncio.gather(*map(one, texts))
        kept = [old if isinstance(new, Exception) else new for old, new in zip(texts, found, strict=True)]
        told = (str(new).replace("filters.judge.", "text.rewriter.") for new in found if isinstance(new, Exception))
        return kept, [f"text: {fault}" for fault in dict.fromkeys(told)]


async def _reworded(text: TextRow, connection: Connection) -> TextRow:
    messages = [{"role": "user", "content": rewriting_prompt(text.answer)}]
    answer = await connection.answer(messages)
    if not answer.finished:
        return text
    return text.model_copy(update={"answer": accept_rewrite(text.answer, answer.text)})
