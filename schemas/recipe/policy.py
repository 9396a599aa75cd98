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
    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)
    degradations: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError(f"the rule on {self.score!r} has neither min nor max; give one")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"the rule on {self.score!r} has min {self.min} above max {self.max}; swap them")
        return self


#: Degradations that leave lines of a few pixels where they are.
_KEEPING_DETAIL = ("noise", "haze", "rain", "lowlight", "flare", "moire", "reflection")

#: Degradations under which no content of an unchanged reference looks changed.
_CHANGE_SHOWS = ("noise", "blur", "compression", "rain", "moire")

#: What suits photographs: each bound was set on real ones and on degradations drawn at severities 0 to 1.
_DEFAULT_RULES = (
    Rule(score="source.short_side", min=256),
    Rule(score="source.aspect", max=4),
    Rule(score="source.sharpness", min=0.78),
    Rule(score="source.noise_sigma", max=3.0),
    # Of 57 photographs the softest camera reaches .5; enlarged twice half of them do not, three times none. JPEG of
    # quality 85 has a blockiness of about .6, of 60 one of 1.4.
    Rule(score="source.bandwidth", min=0.5),
    Rule(score="source.blockiness", max=1.2),
    Rule(score="source.clipped_dark", max=0.5),
    Rule(score="source.clipped_light", max=0.3),
    Rule(score="source.dynamic_range", min=2.5),
    Rule(score="source.watermark", max=0.4),
    Rule(score="source.near_duplicate_distance", min=6),
    Rule(score="source.similarity", max=0.9),
    Rule(score="pair.strength", min=0.05, max=0.75, degradations=("noise",)),
    Rule(score="pair.strength", min=0.05, max=0.95, degradations=("blur",)),
    Rule(score="pair.strength", min=0.015, max=0.7, degradations=("compression",)),
    Rule(score="pair.strength", min=0.04, max=0.98, degradations=("haze",)),
    Rule(score="pair.strength", min=0.004, max=0.7, degradations=("flare",)),
    Rule(score="pair.strength", min=0.005, max=0.93, degradations=("rain",)),
    Rule(score="pair.strength", min=0.012, max=0.8, degradations=("moire",)),
    Rule(score="pair.strength", min=0.03, max=0.8, degradations=("realesrgan", "apisr")),
    Rule(score="pair.strength", min=0.01, max=0.6, degradations=("web_style",)),
    Rule(score="pair.strength", min=0.03, max=0.95, degradations=("agenticir",)),
    # A chain, whatever its name, and any transform: that something happened.
    Rule(score="pair.strength", min=0.003),
    Rule(score="pair.strength", min=0.015, max=0.6, degradations=("reflection",)),
    Rule(score="pair.strength", min=0.1, max=0.985, degradations=("lowlight",)),
    # Calibrated on pairs shifted by 0 to 4 px (benchmarks/alignment.py): none that lies still is dropped.
    Rule(score="pair.shift_least", max=1.0),
    Rule(score="pair.shift_least", max=0.5, degradations=("blur",)),
    # References that were made by a model: content that moved, was changed, added or removed.
    Rule(score="pair.local_shift", max=2.0, degradations=_KEEPING_DETAIL, roles=("real",)),
    Rule(score="pair.structure", min=0.4, roles=("real",)),
    Rule(score="pair.changed", max=0.05, roles=("real",)),
    Rule(score="pair.changed", max=0.03, degradations=("lowlight", "flare", "reflection"), roles=("real",)),
    Rule(score="pair.changed", max=0.02, degradations=_CHANGE_SHOWS, roles=("real",)),
    Rule(score="pair.skeleton_shift", max=1.5, degradations=_KEEPING_DETAIL, roles=("real",)),
    Rule(score="pair.skeleton_unmatched", max=0.6, degradations=_KEEPING_DETAIL, roles=("real",)),
)


class PolicySection(Section):
    """rules: applied in order; the first reason found is the row's main reason, all are kept.
    review: roles whose samples wait for a person when no rule speaks against them (`review.pending`).

    The default rules ask of a clean target a short side of 256 px, sharp edges (source.sharpness), little noise and
    no near duplicate before it; of a pair a degradation that shows and leaves something to restore (pair.strength),
    and content that stayed in place (pair.shift_least); of a reference for a real photograph also that no part moved
    (pair.local_shift, pair.skeleton_shift) and nothing was changed, added or removed (pair.structure, pair.changed).
    """

    rules: tuple[Rule, ...] = Field(default=_DEFAULT_RULES)
    review: tuple[Role, ...] = ()
