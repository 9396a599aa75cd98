"""Noise: of sensors, of film, of the web, and single faults."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from degradations.contract import Degradation, Image, Params, pick
from degradations.noise.bsrgan import BsrganNoise
from degradations.noise.film_grain import FilmGrain
from degradations.noise.impulse import ImpulseNoise
from degradations.noise.raw_isp import RawIsp
from degradations.noise.real_esrgan import RealEsrganNoise
from degradations.noise.segment_aware import SegmentAwareNoise
from degradations.scene import Scene
from schemas.recipe.degradations import NoiseSection

_MODES = {
    "raw_isp": RawIsp,
    "real_esrgan": RealEsrganNoise,
    "bsrgan": BsrganNoise,
    "film_grain": FilmGrain,
    "segment_aware": SegmentAwareNoise,
    "impulse": ImpulseNoise,
}


class NoiseParams(Params):
    """The drawn component of the mixture with its own parameters."""

    model: Annotated[
        RawIsp | RealEsrganNoise | BsrganNoise | FilmGrain | SegmentAwareNoise | ImpulseNoise,
        Field(discriminator="mode"),
    ]


class Noise(Degradation[NoiseParams]):
    """A mixture of noise models; severity moves each model's strength through its range.

    raw_isp .45 (linear camera RGB: Brooks et al. 2019, Wei et al. 2020), real_esrgan .20 (sRGB: Wang et al. 2021),
    bsrgan .10 (sRGB: Zhang et al. 2021), film_grain .10 (display space), segment_aware .10 (σ by segment of the
    scene), impulse .05 (faulty pixels, banding). Ranges are in each model's docstring.
    """

    name: ClassVar[str] = "noise"
    task: ClassVar[str] = "noise"
    params_type: ClassVar[type[Params]] = NoiseParams

    def __init__(self, section: NoiseSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> NoiseParams:
        mode = pick(rng, self.section.modes.model_dump())
        return NoiseParams(model=_MODES[mode].draw(rng, scene, severity))  # type: ignore[attr-defined]

    def needs(self, params: NoiseParams) -> frozenset[str]:
        return frozenset({"masks"} if isinstance(params.model, SegmentAwareNoise) else ())

    def apply(self, image: Image, params: NoiseParams, scene: Scene) -> Image:
        """A noisy copy of `image` (uint8 (H, W, 3), sRGB). Raises ValueError for noise by segment without masks."""
        if isinstance(params.model, SegmentAwareNoise):
            if scene.masks is None:
                raise ValueError("segment_aware noise needs the scene's masks; give Scene(masks=segment(image))")
            return params.model.apply(image, scene.masks)
        return params.model.apply(image)
