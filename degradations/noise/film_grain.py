"""Film grain: blurred white noise, strongest in the middle tones."""

from __future__ import annotations

from typing import Literal

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image, Params
from degradations.rng import pixel_seed
from degradations.sampling import normal_field
from degradations.scene import Scene
from degradations.severity import linear, logarithmic, position

_CODES = np.arange(256) / 255.0


@numba.njit(cache=True, nogil=True)
def _add_grain(
    image: Image,
    amplitude: NDArray[np.float32],
    luma: NDArray[np.float32],
    chroma: NDArray[np.float32],
    out: Image,
) -> None:
    for i in range(image.shape[0]):
        for channel in range(3):
            code = image[i, channel]
            value = code + amplitude[code] * (luma[i] + chroma[i, channel]) + np.float32(0.5)
            out[i, channel] = np.uint8(np.int32(min(max(value, np.float32(0.0)), np.float32(255.0))))


class FilmGrain(Params):
    """Standard deviation σ₀·√(u(1−u)) at display value u: σ₀ logU(6, 40) codes.

    radius: Gaussian σ of the grain, U(.6, 2) px for a short side of 1024. chroma: U(.1, .5), the share of grain that
    differs between the channels.
    """

    mode: Literal["film_grain"] = "film_grain"
    sigma: float
    radius: float
    chroma: float
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, scene: Scene, severity: float) -> FilmGrain:
        return cls(
            sigma=logarithmic(position(rng, severity), 6.0, 40.0),
            radius=linear(float(rng.random()), 0.6, 2.0) * scene.scale,
            chroma=linear(float(rng.random()), 0.1, 0.5),
            seed=pixel_seed(rng),
        )

    def apply(self, image: Image) -> Image:
        size = image.shape[:2]
        norm = 1.0 / np.sqrt(1.0 + self.chroma**2)
        luma = white_grain(normal_field(self.seed, 0, size), self.radius, norm)
        chroma = white_grain(normal_field(self.seed, 1, (*size, 3)), self.radius, norm * self.chroma)
        amplitude = (self.sigma * np.sqrt(_CODES * (1.0 - _CODES))).astype(np.float32)
        out = np.empty(image.shape, dtype=np.uint8)
        _add_grain(
            np.ascontiguousarray(image).reshape(-1, 3), amplitude, luma.reshape(-1), chroma.reshape(-1, 3),
            out.reshape(-1, 3),
        )  # fmt: skip
        return out


def white_grain(white: NDArray[np.float32], radius: float, deviation: float = 1.0) -> NDArray[np.float32]:
    """White noise of unit variance, float32, through a Gaussian of σ `radius` px, of standard deviation `deviation`."""
    size = 2 * int(np.ceil(3.0 * radius)) + 1
    profile = cv2.getGaussianKernel(size, radius, cv2.CV_64F)[:, 0]
    profile *= np.sqrt(deviation) / np.sqrt(np.sum(profile**2))
    return np.asarray(cv2.sepFilter2D(white, -1, profile, profile), dtype=np.float32)
