"""Rules over scores. The policy sees nothing else."""

from typing import Self

from pydantic import Field, model_validator

from schemas.recipe.section import Section
from schemas.source import Role


class Rule(Section):
    """A sample passes when `min` <= score <= `max`. The reasons are `SCORE.low`, `SCORE.high` and, when the score was
    never measured or is not a number, `SCORE.missing`.

    degradations, roles: the rule holds for these only; empty means all.
    """

    score: str
    min: float | None = None
    max: float | None = None
    degradations: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError(f"the rule on {self.score!r} has neither min nor max; give one")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"the rule on {self.score!r} has min {self.min} above max {self.max}; swap them")
        return self


class PolicySection(Section):
    """rules: applied in order; the first reason found is the row's main reason, all are kept."""

    rules: tuple[Rule, ...] = Field(
        default=(
            Rule(score="source.short_side", min=256),
            Rule(score="source.aspect", max=4),
            Rule(score="source.sharpness", min=0.78),
            Rule(score="source.noise_sigma", max=3.0),
            Rule(score="source.near_duplicate_distance", min=6),
            Rule(score="pair.strength", min=0.02),
        )
    )
