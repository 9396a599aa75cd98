"""The degradations of AgenticIR's benchmark (Zhu et al. 2025), by its formulas and in its ranges."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from degradations.agenticir.lens import Defocus, Motion
from degradations.agenticir.light import Dark, Haze
from degradations.agenticir.rain import Rain
from degradations.agenticir.sampling import Jpeg, LowResolution, Noise
from degradations.contract import Degradation, Image, Params, pick
from degradations.scene import Scene
from degradations.severity import position
from schemas.recipe.degradations import AgenticIRSection

_MODES = {
    "rain": Rain,
    "haze": Haze,
    "motion": Motion,
    "defocus": Defocus,
    "dark": Dark,
    "noise": Noise,
    "jpeg": Jpeg,
    "lr": LowResolution,
}


class AgenticIRParams(Params):
    """One of the eight with its own parameters."""

    what: Annotated[Rain | Haze | Motion | Defocus | Dark | Noise | Jpeg | LowResolution, Field(discriminator="mode")]


class AgenticIR(Degradation[AgenticIRParams]):
    """One of AgenticIR's eight degradations: for chains in its groups A, B and C, and to compare with work on MiO100.

    Its own formulas, in sRGB and in the picture's own pixels; the physical degradations of this package are others.
    Differences, for aligned pairs: motion blur is centred, and the low resolution is brought back to size.
    """

    name: ClassVar[str] = "agenticir"
    task: ClassVar[str] = "mixed"
    params_type: ClassVar[type[Params]] = AgenticIRParams

    def __init__(self, section: AgenticIRSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> AgenticIRParams:
        mode = pick(rng, self.section.modes.model_dump())
        return AgenticIRParams(what=_MODES[mode].draw(rng, position(rng, severity)))  # type: ignore[attr-defined]

    def needs(self, params: AgenticIRParams) -> frozenset[str]:
        return frozenset({"depth"} if isinstance(params.what, Haze) else ())

    def apply(self, image: Image, params: AgenticIRParams, scene: Scene) -> Image:
        return params.what.apply(image, scene)
