"""The second-order degradation chain of Real-ESRGAN."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from degradations.codecs import jpeg
from degradations.contract import Degradation, Image, Params
from degradations.filtering import convolve
from degradations.kernels import sinc
from degradations.noise.real_esrgan import EsrganNoise, add_esrgan_noise, draw_esrgan_noise
from degradations.quantise import to_codes, to_float
from degradations.realesrgan.kernel import BlurKernel, draw_kernel, draw_size
from degradations.realesrgan.resizing import draw_interpolation, draw_scale
from degradations.resize import Interpolation, resize, scaled
from degradations.scene import Scene
from degradations.severity import LOOSE, linear, position
from schemas.recipe.degradations import RealEsrganSection

Float = NDArray[np.float32]


class Stage(Params):
    """Blur (none: the picture passes), resize to `scale` times the picture's size, noise, JPEG quality."""

    kernel: BlurKernel | None
    scale: float
    interpolation: Interpolation
    noise: EsrganNoise
    quality: int


class RealEsrganParams(Params):
    """Two stages; then back to size, with the final sinc (size, cutoff in rad/px), before or after the second JPEG."""

    first: Stage
    second: Stage
    sinc: tuple[int, float] | None
    interpolation: Interpolation
    jpeg_last: bool


class RealEsrgan(Degradation[RealEsrganParams]):
    """Blur → resize → noise → JPEG, twice, then back to size with a sinc filter (Wang et al. 2021), in sRGB.

    First stage: σ U(.2, 3); resize up .2, down .7, keep .1, within [.15, 1.5]; Gaussian noise σ U(1, 30) codes or
    Poisson with scale U(.05, 3), equally often, grey .4; JPEG U[30, 95]. Second: blur .8, σ U(.2, 1.5); resize .3,
    .4, .3 within [.3, 1.2]; σ U(1, 25), scale U(.05, 2.5); JPEG as before. Half of the tails resize and filter, then
    encode; half encode first. Final sinc .8, cutoff U(π/3, π). Resizing: area, bilinear or bicubic.

    Sizes and σ are in the picture's own pixels. Scales multiply the picture's size, one after the other; at the end
    the picture is back at its own size, where the original leaves a quarter of it for super-resolution. Values stay
    float32 between codecs; they are clamped before each and rounded there or at the end.
    """

    name: ClassVar[str] = "realesrgan"
    task: ClassVar[str] = "mixed"
    params_type: ClassVar[type[Params]] = RealEsrganParams

    def __init__(self, section: RealEsrganSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> RealEsrganParams:
        first = Stage(
            kernel=draw_kernel(rng, severity, (0.2, 3.0)),
            scale=draw_scale(rng, severity, (0.2, 0.7, 0.1), 0.15, 1.5),
            interpolation=draw_interpolation(rng),
            noise=draw_esrgan_noise(rng, position(rng, severity, LOOSE), (1.0, 30.0), (0.05, 3.0)),
            quality=round(linear(position(rng, severity, LOOSE), 95, 30)),
        )
        second = Stage(
            kernel=draw_kernel(rng, severity, (0.2, 1.5)) if rng.random() < 0.8 else None,
            scale=draw_scale(rng, severity, (0.3, 0.4, 0.3), 0.3, 1.2),
            interpolation=draw_interpolation(rng),
            noise=draw_esrgan_noise(rng, position(rng, severity, LOOSE), (1.0, 25.0), (0.05, 2.5)),
            quality=round(linear(position(rng, severity, LOOSE), 95, 30)),
        )
        final = None
        if rng.random() < 0.8:
            final = (draw_size(rng), linear(position(rng, severity, LOOSE), math.pi, math.pi / 3))
        return RealEsrganParams(
            first=first,
            second=second,
            sinc=final,
            interpolation=draw_interpolation(rng),
            jpeg_last=bool(rng.random() < 0.5),
        )

    def apply(self, image: Image, params: RealEsrganParams, scene: Scene) -> Image:
        size = image.shape[0], image.shape[1]
        coded = jpeg(to_codes(_stage(image, params.first)), params.first.quality)
        pixels = _stage(coded, params.second)
        if params.jpeg_last:
            return jpeg(to_codes(_back(pixels, size, params)), params.second.quality)
        coded = jpeg(to_codes(pixels), params.second.quality)
        return to_codes(_back(to_float(coded), size, params))


def _stage(image: Image, stage: Stage) -> Float:
    """Blur, resize, noise; float32 (h, w, 3), 0-255, neither clamped nor rounded."""
    pixels = to_float(image) if stage.kernel is None else convolve(image, stage.kernel.taps())
    size = scaled((pixels.shape[0], pixels.shape[1]), stage.scale)
    return add_esrgan_noise(resize(pixels, size, stage.interpolation), stage.noise)


def _back(pixels: Float, size: tuple[int, int], params: RealEsrganParams) -> Float:
    pixels = resize(pixels, size, params.interpolation)
    return pixels if params.sinc is None else convolve(pixels, sinc(*params.sinc))
