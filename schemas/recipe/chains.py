"""Chains of degradations as data of a recipe."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.curriculum import HIGH_ORDER, Curriculum
from schemas.recipe.section import Fraction, Section, Weight
from schemas.tasks import TASKS

#: Part of sample keys, which hold no dot, and of file names.
ChainName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]

#: Levels 1 to LEVELS are the quantiles of severity.
LEVELS = 5
_INSIDE = 1e-6


def level_range(level: int) -> tuple[float, float]:
    """The severities of a level (1-5): [(level − 1)/5, level/5), its upper end moved just inside."""
    return (level - 1) / LEVELS, level / LEVELS - _INSIDE * (level < LEVELS)


def level_of(severity: float, levels: int = LEVELS) -> int:
    """The level (1 to `levels`) of a severity in [0, 1]. Raises ValueError outside."""
    if not 0.0 <= severity <= 1.0:
        raise ValueError(f"severity must lie in [0, 1], got {severity}")
    return min(levels, 1 + int(levels * severity))


class ChainStep(Section):
    """One degradation of a chain; its bare name stands for a step with nothing else.

    modes: weights of the modes that may occur; those not named are off. None: those of the degradation's own section.
    section: other fields of the degradation's section, for this step alone.
    severity: the range into which the row's severity is moved. level: 1-5, one fifth of that range instead.
    probability: of the step; a chain whose steps all fall away keeps one, by these probabilities.
    """

    degradation: str
    modes: dict[str, Weight] | None = None
    section: dict[str, Any] = Field(default_factory=dict)
    severity: tuple[Fraction, Fraction] | None = None
    level: int | None = Field(default=None, ge=1, le=LEVELS)
    probability: float = Field(default=1.0, gt=0.0, le=1.0)

    @model_validator(mode="before")
    @classmethod
    def _of_name(cls, value: Any) -> Any:
        return {"degradation": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_range(self) -> Self:
        if self.severity is not None and self.level is not None:
            raise ValueError(f"both severity {self.severity} and level {self.level} are given; keep one")
        if self.severity is not None and self.severity[0] > self.severity[1]:
            raise ValueError(f"severity {self.severity[0]} is above {self.severity[1]}; swap them")
        if self.section.keys() & {"weight", "modes"}:
            raise ValueError("section holds weight or modes; a step has no weight, and its modes go into `modes`")
        return self

    def at(self, severity: float) -> float:
        """The step's severity in a row of `severity` (in [0, 1])."""
        low, high = level_range(self.level) if self.level is not None else self.severity or (0.0, 1.0)
        return low + severity * (high - low)


class ChainSection(Section):
    """Degradations applied one after the other, in the order given.

    weight: how often the chain occurs, beside the weights of single degradations. task: whose prompt undoes it; empty:
    the only step's own, "mixed" for several. curriculum: empty: one step is "single", several are "multiple", and a
    chain with a second-order one inside (realesrgan, apisr) is "high_order".
    """

    weight: Weight = 1.0
    task: str = ""
    curriculum: Curriculum = ""
    steps: tuple[ChainStep, ...]

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        if not self.steps:
            raise ValueError("the chain has no steps; name at least one degradation")
        if self.task and self.task not in TASKS:
            raise ValueError(f"unknown task {self.task!r}; known: {', '.join(TASKS)}")
        return self

    def level(self) -> Curriculum:
        """The chain's place in the curriculum."""
        if self.curriculum:
            return self.curriculum
        if any(step.degradation in HIGH_ORDER for step in self.steps):
            return "high_order"
        return "single" if len(self.steps) == 1 else "multiple"
