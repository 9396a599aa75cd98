"""Questions and answers as rows of plain values, for engines that move rows (Ray Data's vLLM processor).

A question is a row of `picture` (JPEG bytes as `filters.judge.conversation.encoded` makes them), `kind` and
`degradation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from filters.judge.answers import Answer
from filters.judge.asking import Asking
from filters.judge.cache import AnswerCache, fingerprint
from filters.judge.conversation import MAX_TOKENS, SAMPLING, messages
from filters.judge.questions import question
from schemas.recipe.filters.judge import JudgeSection

Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """The rows of one judge, on the worker that asks and on the driver that keeps the answers in `cache`."""

    section: JudgeSection
    cache: AnswerCache

    def open(self, row: Row) -> bool:
        """Whether the question of `row` needs another answer than those that are kept."""
        asking = self._asking(row)
        return asking is not None and not asking.settled(self.cache.get(fingerprint(row["picture"]), asking.question))

    def preprocess(self, row: Row) -> Row:
        """What the processor wants of a question: messages and sampling_params.

        Besides, the picture's fingerprint `shown` in place of the picture, and how many answers were given before.
        Raises ValueError for a row that asks nothing.
        """
        asking = self._asking(row)
        if asking is None:
            raise ValueError(f"a row of kind {row['kind']!r} without a degradation asks nothing; leave it out")
        shown = fingerprint(row["picture"])
        before = self.cache.get(shown, asking.question)
        chat = messages(row["picture"], asking.question, before)
        return {
            "messages": chat,
            "sampling_params": dict(SAMPLING),
            "shown": shown,
            "before": len(before),
            "picture": b"",
        }

    def postprocess(self, row: Row) -> Row:
        """What is kept of a row that the model answered: which question it was, text and finished."""
        kept = {name: row[name] for name in ("shown", "kind", "degradation", "before")}
        return {**kept, "text": row["generated_text"], "finished": row["num_generated_tokens"] < MAX_TOKENS}

    def keep(self, row: Row) -> str:
        """Keeps the answer in a row that left the processor; returns the error of a row that failed there, else "".

        The second answer to a question that was there twice is left.
        """
        if error := row.get("__inference_error__"):
            return str(error)
        asking = self._asking(row)
        assert asking is not None
        before = self.cache.get(row["shown"], asking.question)
        if len(before) == row["before"] and not asking.settled(before):
            text = str(row["text"]).encode("utf-8", "replace").decode()
            self.cache.put(row["shown"], asking.question, [*before, Answer(text, bool(row["finished"]))])
        return ""

    def _asking(self, row: Row) -> Asking | None:
        asked = question(row["kind"], row["degradation"])
        return None if asked is None else Asking(asked, self.section.attempts)
