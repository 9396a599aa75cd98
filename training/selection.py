"""Which checkpoints a run keeps, which one of a stage is the best, and when a stage has learnt what it can."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self


class Judged(NamedTuple):
    """The score of one validation: greater is better; NaN is worse than any number. step: of the run."""

    stage: str
    step: int
    score: float


@dataclass(frozen=True)
class Selection:
    """All validations of a run so far, in order, and what follows from them.

    best_kept: checkpoints kept of each stage for their score. patience: a stage ends after so many validations in a
    row without a new best; 0: never. curve: the validations.
    """

    best_kept: int
    patience: int
    curve: tuple[Judged, ...] = ()

    def judge(self, stage: str, step: int, score: float) -> Self:
        """The selection after one more validation."""
        return replace(self, curve=(*self.curve, Judged(stage, step, score)))

    def ranking(self, stage: str) -> list[Judged]:
        """The validations of a stage, best first, of equal ones the earlier first."""
        return sorted((one for one in self.curve if one.stage == stage), key=_worth, reverse=True)

    def best(self, stage: str) -> Judged | None:
        """The best validation of a stage; None before its first."""
        return next(iter(self.ranking(stage)), None)

    def improved(self) -> bool:
        """Whether the last validation is the best of its stage."""
        return bool(self.curve) and self.best(self.curve[-1].stage) is self.curve[-1]

    def stops(self, stage: str) -> bool:
        """Whether the stage has used up its patience."""
        judged = [one for one in self.curve if one.stage == stage]
        best = self.best(stage)
        return bool(self.patience and best) and len(judged) - 1 - judged.index(best) >= self.patience  # type: ignore[arg-type]

    def kept(self) -> set[int]:
        """Steps of the checkpoints to keep for their score: the best of every stage."""
        stages = {one.stage for one in self.curve}
        return {one.step for stage in stages for one in self.ranking(stage)[: self.best_kept]}

    def state(self) -> list[list[Any]]:
        """The curve for JSON: stage, step, score (null for NaN) of each validation."""
        return [[one.stage, one.step, None if math.isnan(one.score) else one.score] for one in self.curve]

    @classmethod
    def of(cls, best_kept: int, patience: int, state: Sequence[Sequence[Any]]) -> Self:
        """The selection whose `state` this is, under the rules given here."""
        curve = tuple(Judged(stage, step, math.nan if score is None else score) for stage, step, score in state)
        return cls(best_kept, patience, curve)


def _worth(one: Judged) -> tuple[bool, float]:
    return (False, 0.0) if math.isnan(one.score) else (True, one.score)
