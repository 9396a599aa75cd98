"""Which checkpoints a run keeps, which one of a stage is the best, and when a stage has learnt what it can."""

from __future__ import annotations

import math
from collections.abc import Mapping
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

    def best(self, stage: str) -> int:
        """The step of the best validation of a stage. Raises KeyError for a stage without any."""
        if not (ranking := self.ranking(stage)):
            raise KeyError(stage)
        return ranking[0].step

    def choice(self) -> tuple[str, int]:
        """The stage whose best validation is the best of all, of equal ones the later stage; and its step."""
        stages = list(dict.fromkeys(one.stage for one in self.curve))
        chosen = max(reversed(stages), key=lambda stage: _worth(self.ranking(stage)[0]))
        return chosen, self.best(chosen)

    def stops(self, stage: str) -> bool:
        """Whether the stage has used up its patience."""
        steps = [one.step for one in self.curve if one.stage == stage]
        return bool(self.patience and steps) and len(steps) - 1 - steps.index(self.best(stage)) >= self.patience

    def kept(self) -> set[int]:
        """Steps of the checkpoints to keep for their score: the best of every stage."""
        stages = {one.stage for one in self.curve}
        return {one.step for stage in stages for one in self.ranking(stage)[: self.best_kept]}

    def state(self) -> dict[str, Any]:
        """As plain data for JSON; a score that is NaN as null."""
        curve = [[stage, step, None if math.isnan(score) else score] for stage, step, score in self.curve]
        return {"best_kept": self.best_kept, "patience": self.patience, "curve": curve}

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> Self:
        """The selection whose `state` this is."""
        curve = (Judged(stage, step, math.nan if score is None else score) for stage, step, score in state["curve"])
        return cls(state["best_kept"], state["patience"], tuple(curve))


def _worth(one: Judged) -> tuple[bool, float]:
    return (False, 0.0) if math.isnan(one.score) else (True, one.score)
