"""The second-order degradation chain of APISR."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from degradations.apisr.codec import ApisrCodec
from degradations.contract import Degradation, Image, Params
from degradations.filtering import convolve
from degradations.noise.real_esrgan import EsrganNoise, add_esrgan_noise, draw_esrgan_noise
from degradations.quantise import to_codes, to_float
from degradations.realesrgan.kernel import BlurKernel, draw_kernel
from degradations.realesrgan.resizing import Resizing, draw_interpolation, draw_scale
from degradations.resize import Interpolation, resize
from degradations.scene import Scene
from degradations.severity import LOOSE, position
from schemas.recipe.degradations import ApisrSection

Float = NDArray[np.float32]
Place = Literal["before_blur", "after_blur", "after_noise"]
_PLACES: tuple[Place, ...] = ("before_blur", "after_blur", "after_noise")
_FIRST_CODEC = {"jpeg": 0.4, "webp": 0.6}


class Stage(Params):
    """Blur (none: the picture passes) and noise, with the resize at one of three places."""

    kernel: BlurKernel | None
    resizing: Resizing
    place: Place
    noise: EsrganNoise


class ApisrParams(Params):
    """Two stages with a codec after each; interpolation: back to size, before the last codec."""

    first: Stage
    first_codec: ApisrCodec
    second: Stage
    interpolation: Interpolation
    last_codec: ApisrCodec


class Apisr(Degradation[ApisrParams]):
    """Real-ESRGAN's chain with its resizes moved about and video codecs at its end (APISR, Wang et al. 2024), in sRGB.

    Kernels and noise are Real-ESRGAN's. First resize .2 up, .7 down, .1 not, within [.1, 1.2], second likewise within
    [.15, 1.2]; each before the blur, after the blur or after the noise. First codec JPEG .4 or WebP .6, quality
    20-95. Then back to size and the last codec by the section's `modes`: JPEG, WebP and AVIF quality 20-95, MPEG-2 and
    MPEG-4 quantiser scale 8-31, H.264 rate factor 23-38, H.265 28-42, one intra frame each, presets slow .05, medium
    .35, fast .3, faster .2, superfast .1. No final sinc.

    Sizes and σ are in the picture's own pixels; scales multiply the picture's size, which it has again at the end.
    """

    name: ClassVar[str] = "apisr"
    task: ClassVar[str] = "mixed"
    params_type: ClassVar[type[Params]] = ApisrParams

    def __init__(self, section: ApisrSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> ApisrParams:
        return ApisrParams(
            first=_draw_stage(rng, severity, 1.0, (0.2, 3.0), 0.1, (1.0, 30.0), (0.05, 3.0)),
            first_codec=ApisrCodec.draw(rng, _FIRST_CODEC, severity),
            second=_draw_stage(rng, severity, 0.8, (0.2, 1.5), 0.15, (1.0, 25.0), (0.05, 2.5)),
            interpolation=draw_interpolation(rng),
            last_codec=ApisrCodec.draw(rng, self.section.modes.model_dump(), severity),
        )

    def apply(self, image: Image, params: ApisrParams, scene: Scene) -> Image:
        size = image.shape[0], image.shape[1]
        coded = params.first_codec.apply(to_codes(_stage(to_float(image), params.first)))
        pixels = resize(_stage(to_float(coded), params.second), size, params.interpolation)
        return params.last_codec.apply(to_codes(pixels))


def _stage(pixels: Float, stage: Stage) -> Float:
    if stage.place == "before_blur":
        pixels = stage.resizing.apply(pixels)
    if stage.kernel is not None:
        pixels = convolve(pixels, stage.kernel.taps())
    if stage.place == "after_blur":
        pixels = stage.resizing.apply(pixels)
    pixels = add_esrgan_noise(pixels, stage.noise)
    return stage.resizing.apply(pixels) if stage.place == "after_noise" else pixels


def _draw_stage(
    rng: np.random.Generator,
    severity: float,
    blurred: float,
    sigma: tuple[float, float],
    smallest: float,
    gaussian: tuple[float, float],
    poisson: tuple[float, float],
) -> Stage:
    return Stage(
        kernel=draw_kernel(rng, severity, sigma) if rng.random() < blurred else None,
        resizing=Resizing(
            scale=draw_scale(rng, severity, (0.2, 0.7, 0.1), smallest, 1.2), interpolation=draw_interpolation(rng)
        ),
        place=_PLACES[int(rng.integers(3))],
        noise=draw_esrgan_noise(rng, position(rng, severity, LOOSE), gaussian, poisson),
    )
