"""Web style: one mild trip through the web, for use within chains."""

from __future__ import annotations

from typing import Any, ClassVar

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.codecs import jpeg
from degradations.contract import Degradation, Image, Params
from degradations.realesrgan.resizing import draw_interpolation
from degradations.resize import Interpolation, resize, scaled
from degradations.rng import pixel_seed
from degradations.sampling import NORMAL, mix, part, stream
from degradations.scene import Scene
from degradations.severity import LOOSE, linear, position
from schemas.recipe.degradations import WebStyleSection

#: A short side in px from which a picture is shrunk more.
_LARGE = 512


class Blur(Params):
    """A Gaussian on `size`×`size` taps (3 or 5), σ in px of the smaller picture."""

    size: int
    sigma: float


class Noise(Params):
    """Gaussian, independent in each channel, σ in codes."""

    sigma: float
    seed: int


class WebStyleParams(Params):
    """Smaller by `scale` with `down`; blur and noise or none; JPEG quality; back to size with `up`."""

    scale: float
    down: Interpolation
    blur: Blur | None
    noise: Noise | None
    quality: int
    up: Interpolation


class WebStyle(Degradation[WebStyleParams]):
    """Smaller, blurred, noisy, encoded, back to size (RealRestorer's "sr" augmentation, 2026), in sRGB.

    Scale U(.5, .9), or U(.8, 1) for a short side below 512 px; blur p = .6, 3 or 5 taps, σ U(.1, 1.2); noise p = .5,
    σ U(1, 10) codes; JPEG quality 20% U(40, 60), 80% U(60, 95). All of it is mild: a step among others.
    """

    name: ClassVar[str] = "web_style"
    task: ClassVar[str] = "compression"
    params_type: ClassVar[type[Params]] = WebStyleParams

    def __init__(self, section: WebStyleSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> WebStyleParams:
        large = min(scene.height, scene.width) >= _LARGE
        scale = linear(position(rng, severity, LOOSE), *((0.9, 0.5) if large else (1.0, 0.8)))
        blur = noise = None
        if rng.random() < 0.6:
            size = 3 if rng.random() < 0.5 else 5
            blur = Blur(size=size, sigma=linear(position(rng, severity, LOOSE), 0.1, 1.2))
        if rng.random() < 0.5:
            noise = Noise(sigma=linear(position(rng, severity, LOOSE), 1.0, 10.0), seed=pixel_seed(rng))
        return WebStyleParams(
            scale=scale,
            down=draw_interpolation(rng),
            blur=blur,
            noise=noise,
            quality=_quality(position(rng, severity, LOOSE)),
            up=draw_interpolation(rng),
        )

    def apply(self, image: Image, params: WebStyleParams, scene: Scene) -> Image:
        size = image.shape[0], image.shape[1]
        pixels = np.ascontiguousarray(resize(image, scaled(size, params.scale), params.down))
        if params.blur is not None:
            taps = (params.blur.size, params.blur.size)
            pixels = cv2.GaussianBlur(pixels, taps, params.blur.sigma, borderType=cv2.BORDER_REFLECT_101)
        if params.noise is not None:
            noisy = np.empty_like(pixels)
            seed = stream(params.noise.seed, 0)
            _add_noise(pixels.reshape(-1, 3), np.float32(params.noise.sigma), seed, NORMAL, noisy.reshape(-1, 3))
            pixels = noisy
        return np.ascontiguousarray(resize(jpeg(pixels, params.quality), size, params.up), dtype=np.uint8)


def _quality(quantile: float) -> int:
    """JPEG quality at `quantile`, 0 the best: 80% U(60, 95), 20% U(40, 60)."""
    if quantile < 0.8:
        return round(linear(quantile / 0.8, 95, 60))
    return round(linear((quantile - 0.8) / 0.2, 60, 40))


@numba.njit(cache=True, nogil=True)
def _add_noise(image: Image, sigma: Any, seed: Any, normal: NDArray[np.float32], out: Image) -> None:
    for i in range(image.shape[0]):
        bits = mix(seed, i)
        for channel in range(3):
            value = np.float32(image[i, channel]) + sigma * normal[part(bits, channel)] + np.float32(0.5)
            value = value if value > np.float32(0.0) else np.float32(0.0)
            out[i, channel] = np.uint8(np.int32(value if value < np.float32(255.0) else np.float32(255.0)))
