"""The noise of BSRGAN (Zhang et al. 2021): Gaussian, speckle or Poisson."""

from __future__ import annotations

from typing import Literal

import numpy as np

from degradations.contract import Image, Params, pick
from degradations.noise.additive import add_normal, add_poisson, colour_matrix, poisson_codes
from degradations.quantise import to_codes, to_float
from degradations.rng import pixel_seed
from degradations.scene import Scene
from degradations.severity import linear, ordered, position

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]


class BsrganNoise(Params):
    """Gaussian and speckle (noise times the picture's value): σ in {2..25} codes, colour .4, grey .4, covariance .2.

    Poisson: 10^U(2, 4) photons at white, colour or grey equally often. The three kinds are equally frequent.
    covariance: root M of the covariance, M·Mᵀ = Uᵀ·diag(d)·U with U orthogonal and d uniform in [0, 1], so that a
    noise of `sigma` has the covariance sigma²·M·Mᵀ.
    """

    mode: Literal["bsrgan"] = "bsrgan"
    kind: Literal["gaussian", "speckle", "poisson"]
    colour: Literal["colour", "grey", "covariance"]
    sigma: float = 0.0
    photons: float = 0.0
    covariance: Matrix | None = None
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, scene: Scene, severity: float) -> BsrganNoise:
        kind = pick(rng, {"gaussian": 1.0, "speckle": 1.0, "poisson": 1.0})
        u = position(rng, severity)
        if kind == "poisson":
            colour = pick(rng, {"colour": 0.5, "grey": 0.5})
            photons = 10.0 ** linear(u, 4.0, 2.0)
            return cls.model_validate({"kind": kind, "colour": colour, "photons": photons, "seed": pixel_seed(rng)})
        colour = pick(rng, {"colour": 0.4, "grey": 0.4, "covariance": 0.2})
        covariance = _covariance_root(rng) if colour == "covariance" else None
        return cls.model_validate(
            {
                "kind": kind,
                "colour": colour,
                "sigma": ordered(u, range(2, 26)),
                "covariance": covariance,
                "seed": pixel_seed(rng),
            }
        )

    def apply(self, image: Image) -> Image:
        pixels = to_float(image)
        if self.kind == "poisson":
            codes = poisson_codes(pixels, self.colour == "grey")
            return to_codes(add_poisson(pixels, codes, self.photons, self.seed))
        if self.covariance is not None:
            matrix = np.array(self.covariance, dtype=np.float32) * np.float32(self.sigma)
        else:
            matrix = colour_matrix(self.sigma, self.colour == "grey")
        return to_codes(add_normal(pixels, matrix, self.seed, multiplicative=self.kind == "speckle"))


def _covariance_root(rng: np.random.Generator) -> Matrix:
    variances = rng.random(3)
    orthogonal = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    a, b, c = (tuple(float(v) for v in row) for row in orthogonal.T * np.sqrt(variances))
    return (a, b, c)  # type: ignore[return-value]
