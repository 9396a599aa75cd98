"""The degradation "lowlight"."""

from __future__ import annotations

from typing import ClassVar, cast

import numpy as np
from pydantic import Field

from degradations.contract import Degradation, Image, Params, check_image, pick
from degradations.lowlight.curve import GammaDark
from degradations.lowlight.learned import LearnedDark
from degradations.lowlight.raw import RawDark
from degradations.scene import Scene
from schemas.recipe.degradations import LowlightSection


class LowlightParams(Params):
    """The drawn component of the mixture with its own parameters."""

    model: RawDark | GammaDark | LearnedDark = Field(discriminator="mode")


class Lowlight(Degradation[LowlightParams]):
    """A photograph that got too little light. Specification: degradations §4.

    raw .75: an uneven field of light, underexposure, a sensor's noise and its processor's development, in linear camera
    RGB (unprocessing of Brooks et al. 2019, noise of ELD, Wei et al. 2020). gamma .25: brightness attenuation and gamma
    in sRGB (RealRestorer 2026). learned 0: a small network trained on reversed pairs (bright → dark) of the user's.
    Severity moves exposure, noise, unevenness and the darkness that the camera leaves.
    """

    name: ClassVar[str] = "lowlight"
    task: ClassVar[str] = "lowlight"
    params_type: ClassVar[type[Params]] = LowlightParams

    def __init__(self, section: LowlightSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> LowlightParams:
        match pick(rng, self.section.modes.model_dump()):
            case "raw":
                field = pick(rng, self.section.fields.model_dump())
                sensor = pick(rng, self.section.sensors.model_dump())
                return LowlightParams(model=RawDark.draw(rng, severity, field, sensor))
            case "gamma":
                return LowlightParams(model=GammaDark.draw(rng, severity))
            case _:
                return LowlightParams(model=LearnedDark.draw(rng, severity, cast(str, self.section.network)))

    def apply(self, image: Image, params: LowlightParams, scene: Scene) -> Image:
        check_image(image)
        return params.model.apply(image)
