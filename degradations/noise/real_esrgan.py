"""The noise of Real-ESRGAN (Wang et al. 2021): Gaussian or Poisson, in colour or grey."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image, Params
from degradations.noise.additive import add_normal, add_poisson, colour_matrix, poisson_codes, real_esrgan_photons
from degradations.quantise import to_codes, to_float
from degradations.rng import pixel_seed
from degradations.scene import Scene
from degradations.severity import linear, position


class EsrganNoise(Params):
    """gaussian: `strength` is σ in codes (0-255). poisson: `strength` multiplies the residual of the counts."""

    kind: Literal["gaussian", "poisson"]
    strength: float
    grey: bool
    seed: int


def draw_esrgan_noise(
    rng: np.random.Generator, quantile: float, sigma: tuple[float, float], scale: tuple[float, float]
) -> EsrganNoise:
    """Gaussian and Poisson equally often, grey in four of ten, strength at `quantile` of `sigma` or `scale`."""
    gaussian = bool(rng.random() < 0.5)
    grey = bool(rng.random() < 0.4)
    strength = linear(quantile, *(sigma if gaussian else scale))
    return EsrganNoise(kind="gaussian" if gaussian else "poisson", strength=strength, grey=grey, seed=pixel_seed(rng))


def add_esrgan_noise(image: NDArray[np.float32], noise: EsrganNoise) -> NDArray[np.float32]:
    """`image` (float32 (H, W, 3), 0-255) with the noise added, neither clamped nor rounded."""
    if noise.kind == "gaussian":
        return add_normal(image, colour_matrix(noise.strength, noise.grey), noise.seed)
    codes = poisson_codes(image, noise.grey)
    return add_poisson(image, codes, real_esrgan_photons(codes), noise.seed, noise.strength)


class RealEsrganNoise(Params):
    """One noise step of Real-ESRGAN's first stage: σ in [1, 30] codes, or Poisson with scale in [.05, 3]."""

    mode: Literal["real_esrgan"] = "real_esrgan"
    noise: EsrganNoise

    @classmethod
    def draw(cls, rng: np.random.Generator, scene: Scene, severity: float) -> RealEsrganNoise:
        return cls(noise=draw_esrgan_noise(rng, position(rng, severity), (1.0, 30.0), (0.05, 3.0)))

    def apply(self, image: Image) -> Image:
        return to_codes(add_esrgan_noise(to_float(image), self.noise))
