"""What the editor learns to predict."""

from typing import Literal

from pydantic import Field

from schemas.recipe.section import Fraction, Section


class ObjectiveSection(Section):
    """The path between degraded, noisy and clean images.

    form: `noise` (noise → clean image, the degraded one in context; Step1X-Edit) or `noise_free` (degraded → clean;
    RAR).
    shift: timestep shift of `noise` in training; none takes the family's own (3.1582 = e^1.15 for step1x and tiny).
    start_share: share of the samples of `noise_free` trained at t = 0, where one sampling step starts; the others
    have t uniform in [0, 1).
    logarithmic: train on the logarithm of each sample's squared error, so that a faint degradation weighs as much as a
    strong one.
    """

    form: Literal["noise", "noise_free"] = "noise"
    shift: float | None = Field(default=None, gt=0.0)
    start_share: Fraction = 0.0
    logarithmic: bool = False
