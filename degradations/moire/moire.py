"""The degradation "moire"."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from degradations.contract import Degradation, Image, Params, check_image, pick
from degradations.moire.layers import Layer, blended, draw_layers, laid, multiplied, strengths
from degradations.moire.rephotograph import Rephotograph
from degradations.scene import Scene
from degradations.severity import logarithmic, position
from schemas.recipe.degradations import MoireSection

#: Root mean square of the fringes, as a change of linear light, at severity 0 and 1.
MODULATION = (0.01, 0.35)


class MoireParams(Params):
    """Drawn parameters of moiré: layers of the bank with their modulation (root mean square of the change of light),
    or the screen that was photographed. multiply_share: of the blend."""

    mode: Literal["bank", "screen", "blend"]
    layers: tuple[Layer, ...] = ()
    modulation: float = Field(default=0.0, ge=0)
    multiply_share: float = 1.0
    screen: Rephotograph | None = None


class Moire(Degradation[MoireParams]):
    """Interference of a screen's subpixels with a sensor's.

    Specification: degradations §3. Modes: bank .75, one to three patterns that multiply linear light, I·Π Rₖ^sₖ; screen
    .15, the picture itself through screen, lens, RGGB sensor, demosaicing and decimation; blend .1, UniDemoiré's mix of
    multiplication and linear burn in display codes. Severity moves the root mean square of the fringes from .01 to .35
    (log-uniform), instead of the exponents U(.4, 1), under which one pattern is ten times as strong as another.
    """

    name: ClassVar[str] = "moire"
    task: ClassVar[str] = "moire"
    params_type: ClassVar[type[Params]] = MoireParams

    def __init__(self, section: MoireSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> MoireParams:
        """Parameters for a scene at `severity` in [0, 1]."""
        mode = pick(rng, self.section.modes.model_dump())
        if mode == "screen":
            return MoireParams(mode="screen", screen=Rephotograph.draw(rng, scene, severity))
        layers = draw_layers(rng, scene)
        modulation = logarithmic(position(rng, severity), *MODULATION)
        if mode == "bank":
            return MoireParams(mode="bank", layers=layers, modulation=modulation)
        share = rng.uniform(0.65, 0.75)
        return MoireParams(mode="blend", layers=layers[:1], modulation=modulation, multiply_share=share)

    def needs(self, params: MoireParams) -> frozenset[str]:
        return frozenset({"patterns.moire"} if params.layers else ())

    def apply(self, image: Image, params: MoireParams, scene: Scene) -> Image:
        """A copy of `image` (uint8 (H, W, 3), sRGB) with moiré. Raises PatternError for a pattern the bank lacks."""
        check_image(image)
        if params.screen is not None:
            return params.screen.apply(image)
        bank = scene.banks["moire"]
        patterns = [laid(bank.load(layer.pattern.name), layer, *image.shape[:2]) for layer in params.layers]
        exponents = strengths(patterns, params.layers, params.modulation)
        if params.mode == "bank":
            return multiplied(image, patterns, exponents)
        return blended(image, patterns[0], exponents[0], params.multiply_share)
