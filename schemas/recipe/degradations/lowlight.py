"""The recipe of low light."""

from typing import Self

from pydantic import model_validator

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class LowlightModes(Modes):
    """How the picture becomes dark (specification: degradations §4). learned: by a network, which must be named."""

    raw: Weight = 0.75
    gamma: Weight = 0.25
    learned: Weight = 0.0


class LowlightFields(Modes):
    """Where the little light of the mode raw falls: off towards the corners, in patches, or from 0-4 lamps."""

    vignette: Weight = 0.3
    fractal: Weight = 0.25
    lamps: Weight = 0.45


class LowlightSensors(Modes):
    """Noise model of the mode raw: of ELD, amplified after the sensor, or shot and read noise of the amplified
    signal."""

    eld: Weight = 0.7
    shot_read: Weight = 0.3


class LowlightSection(Section):
    """Low light: too little of it, and what a camera makes of that.

    network: safetensors file of the mode learned, as `tarnish lowlight train` writes it.
    """

    weight: Weight = 1.0
    modes: LowlightModes = LowlightModes()
    fields: LowlightFields = LowlightFields()
    sensors: LowlightSensors = LowlightSensors()
    network: str | None = None

    @model_validator(mode="after")
    def _learned_has_a_network(self) -> Self:
        if self.modes.learned > 0 and self.network is None:
            raise ValueError(
                "the mode learned needs `network`, a safetensors file of `tarnish lowlight train`; "
                "name one or set modes.learned to 0"
            )
        return self
