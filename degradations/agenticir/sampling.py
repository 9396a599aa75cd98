"""Noise, JPEG and low resolution."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PIL import Image as Pillow

from degradations.codecs import jpeg
from degradations.contract import Image, Params, pick
from degradations.noise.real_esrgan import EsrganNoise, add_esrgan_noise
from degradations.quantise import to_codes, to_float
from degradations.rng import pixel_seed
from degradations.scene import Scene
from degradations.severity import linear, ordered


class Noise(Params):
    """Gaussian, σ U(20, 50) codes, or Real-ESRGAN's Poisson, scale U(1, 3), equally often; in colour."""

    mode: Literal["noise"] = "noise"
    noise: EsrganNoise

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Noise:
        kind = pick(rng, {"gaussian": 1.0, "poisson": 1.0})
        strength = linear(quantile, 20.0, 50.0) if kind == "gaussian" else linear(quantile, 1.0, 3.0)
        fields = {"kind": kind, "strength": strength, "grey": False, "seed": pixel_seed(rng)}
        return cls(noise=EsrganNoise.model_validate(fields))

    def apply(self, image: Image, scene: Scene) -> Image:
        return to_codes(add_esrgan_noise(to_float(image), self.noise))


class Jpeg(Params):
    """Quality 10-29."""

    mode: Literal["jpeg"] = "jpeg"
    quality: int

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Jpeg:
        return cls(quality=ordered(quantile, range(29, 9, -1)))

    def apply(self, image: Image, scene: Scene) -> Image:
        return jpeg(np.ascontiguousarray(image), self.quality)


class LowResolution(Params):
    """A quarter of the size and back, both bicubic and antialiased (Keys 1981, a = −½)."""

    mode: Literal["lr"] = "lr"
    factor: int = 4

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> LowResolution:
        return cls()

    def apply(self, image: Image, scene: Scene) -> Image:
        height, width = image.shape[:2]
        small = Pillow.fromarray(image).resize(
            (-(-width // self.factor), -(-height // self.factor)), Pillow.Resampling.BICUBIC
        )
        return np.array(small.resize((width, height), Pillow.Resampling.BICUBIC), dtype=np.uint8)
