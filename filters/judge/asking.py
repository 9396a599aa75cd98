"""One question about one picture, from its answers to its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from filters.contract import Finding
from filters.judge.answers import Answer
from filters.judge.questions import Question
from schemas.record import canonical_json


@dataclass(frozen=True)
class Asking:
    """question: put up to `attempts` times, until an answer is well formed."""

    question: Question
    attempts: int

    def settled(self, answers: Sequence[Answer]) -> bool:
        """Whether these answers, in order, need no other: one is well formed, or there are as many as attempts."""
        return len(answers) >= self.attempts or any(self.question.read(answer) is not None for answer in answers)

    def finding(self, answers: Sequence[Answer]) -> Finding:
        """The scores of the first well-formed answer within the attempts, none without one.

        `judge.KIND.malformed` counts the malformed answers before it; `judge.KIND.raw` in the finding's answers is a
        JSON list of all texts.
        """
        kind = self.question.kind
        counted: list[Answer] = []
        scores: dict[str, float] = {}
        malformed = 0
        for answer in answers[: self.attempts]:
            counted.append(answer)
            if (read := self.question.read(answer)) is not None:
                scores = read
                break
            malformed += 1
        scores = {**scores, f"judge.{kind}.malformed": float(malformed)}
        return Finding(scores, {f"judge.{kind}.raw": canonical_json([answer.text for answer in counted])})
