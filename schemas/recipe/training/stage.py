"""One stage of the fine-tune."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.recipe.section import Fraction, Section, Weight
from schemas.tasks import TASKS


class StageSection(Section):
    """One stage.

    weights: relative share of each named set of `training.datasets`.
    weights_end: where given, the shares move from `weights` at the first step along a straight line to these at the
    last one (progressively mixed training, RealRestorer 2026).
    tasks: relative share of each task within a set; empty means equal shares of the tasks that the set holds.
    curriculum: only pairs with so much degradation (UARE 2025: single, multiple, high_order); empty for all.
    batch_size: samples an optimizer step, over all processes and accumulated passes.
    microbatch: samples that pass through the editor at once; the rest of a process's share is accumulated. 0: the
    process's whole share at once.
    warmup_steps: the learning rate rises linearly from 0 over these steps; a cosine then falls to 0 at the last step.
    betas, epsilon: AdamW's.
    frozen_single_blocks: this share of the single-stream blocks, counted from the first and rounded down, keeps its
    weights (a quarter of 38 blocks freezes 9).
    clip: largest global norm of the gradient. ema: decay of the weights' moving average.
    """

    steps: int = Field(default=500, ge=1)
    batch_size: int = Field(default=16, ge=1)
    microbatch: int = Field(default=0, ge=0)
    weights: dict[str, Weight] = Field(default={"synthetic": 1.0})
    weights_end: dict[str, Weight] | None = None
    tasks: dict[str, Weight] = Field(default={})
    curriculum: tuple[Literal["single", "multiple", "high_order"], ...] = ()
    learning_rate: float = Field(default=1e-5, gt=0.0)
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = Field(default=100, ge=0)
    weight_decay: float = Field(default=0.0, ge=0.0)
    betas: tuple[Fraction, Fraction] = (0.9, 0.95)
    epsilon: float = Field(default=1e-8, gt=0.0)
    frozen_single_blocks: Fraction = 0.0
    clip: float = Field(default=1.0, gt=0.0)
    ema: Fraction = 0.99

    @property
    def sets(self) -> list[str]:
        """The sets that the stage draws from at any time, in the recipe's order."""
        shares = [*self.weights.items(), *(self.weights_end or {}).items()]
        return list(dict.fromkeys(name for name, share in shares if share > 0))

    @model_validator(mode="after")
    def _usable(self) -> Self:
        for field, shares in (("weights", self.weights), ("weights_end", self.weights_end)):
            if shares is not None and not sum(shares.values()) > 0:
                raise ValueError(f"{field}: no set has a weight above 0; name one, for instance {{synthetic: 1}}")
        for task in self.tasks:
            if task not in TASKS:
                raise ValueError(f"tasks: unknown task {task!r}; known: {', '.join(TASKS)}")
        if self.tasks and not sum(self.tasks.values()) > 0:
            raise ValueError("tasks: no task has a weight above 0; leave tasks out for equal shares")
        if self.microbatch and self.batch_size % self.microbatch:
            raise ValueError(
                f"microbatch: {self.microbatch} does not divide batch_size {self.batch_size}; change either"
            )
        return self


FINETUNE = StageSection(
    steps=1500,
    batch_size=32,
    weights={"synthetic": 2.0, "real": 8.0},
    schedule="cosine",
    weight_decay=0.01,
    frozen_single_blocks=0.25,
)
