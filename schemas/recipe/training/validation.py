"""How checkpoints are judged."""

from typing import Literal

from pydantic import Field

from schemas.recipe.section import Section


class ValidationSection(Section):
    """Fixed crops of the validation split, judged with the moving average of the weights.

    every: steps between validations; each one writes a checkpoint, and every stage ends with one.
    samples: crops a degradation. steps: sampler steps. guidance: scale of classifier-free guidance, 1 for none.
    score: `gain`, how much PSNR sampling wins (dB, greater is better); or `loss`, the negative objective on fixed
    timesteps and noise, which needs no sampling.
    patience: a stage ends early after this many validations in a row without a new best; 0: never.
    pictures: validation samples shown in TensorBoard (before, after, clean), each time.
    """

    every: int = Field(default=100, ge=1)
    samples: int = Field(default=8, ge=1)
    steps: int = Field(default=28, ge=1)
    guidance: float = Field(default=1.0, ge=0.0)
    score: Literal["gain", "loss"] = "gain"
    patience: int = Field(default=0, ge=0)
    pictures: int = Field(default=4, ge=0)
