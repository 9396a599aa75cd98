"""The blur kernels of Real-ESRGAN: what is drawn and the taps it stands for."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from degradations import kernels
from degradations.contract import Params, pick
from degradations.severity import LOOSE, linear, position

Kind = Literal["sinc", "iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso"]

#: Probabilities of the kinds that are not sinc.
_KINDS: dict[str, float] = {
    "iso": 0.45,
    "aniso": 0.25,
    "generalized_iso": 0.12,
    "generalized_aniso": 0.03,
    "plateau_iso": 0.12,
    "plateau_aniso": 0.03,
}
_SINC = 0.1
_BETA = {"generalized": (0.5, 4.0), "plateau": (1.0, 2.0)}


class BlurKernel(Params):
    """size: taps a side, odd, 7-21. σ in px, angle in [−π, π) rad, beta the shape; cutoff of a sinc, rad/px.

    Pixels are the picture's own: the chain is defined without regard to the picture's size.
    """

    kind: Kind
    size: int
    sigma_x: float = 0.0
    sigma_y: float = 0.0
    angle: float = 0.0
    beta: float = 1.0
    cutoff: float = 0.0

    def taps(self) -> kernels.Kernel:
        if self.kind == "sinc":
            return kernels.sinc(self.size, self.cutoff)
        shape = kernels.plateau if self.kind.startswith("plateau") else kernels.generalized_gaussian
        return shape(self.size, self.sigma_x, self.sigma_y, self.angle, self.beta)


def draw_size(rng: np.random.Generator) -> int:
    """One of 7, 9, ... 21."""
    return 2 * int(rng.integers(3, 11)) + 1


def draw_kernel(rng: np.random.Generator, severity: float, sigma: tuple[float, float]) -> BlurKernel:
    """A kernel of the chain's first or second blur, with σ uniform in `sigma`.

    Sinc with p = .1, cutoff U(π/3, π) below 13 taps and U(π/5, π) from 13 on; a lower cutoff is more severe. Shapes:
    β U(.5, 1) or U(1, 4) equally often for the generalised Gaussian; for the plateau 1, or U(1, 2).
    """
    size = draw_size(rng)
    if rng.random() < _SINC:
        lowest = math.pi / 3 if size < 13 else math.pi / 5
        return BlurKernel(kind="sinc", size=size, cutoff=linear(position(rng, severity, LOOSE), math.pi, lowest))
    kind = pick(rng, _KINDS)
    sigma_x = sigma_y = linear(position(rng, severity, LOOSE), *sigma)
    angle = 0.0
    if kind.endswith("aniso"):
        sigma_y = linear(position(rng, severity, LOOSE), *sigma)
        angle = float(rng.uniform(-math.pi, math.pi))
    family = kind.split("_")[0]
    beta = _draw_beta(rng, *_BETA[family]) if family in _BETA else 1.0
    return BlurKernel.model_validate(
        {"kind": kind, "size": size, "sigma_x": sigma_x, "sigma_y": sigma_y, "angle": angle, "beta": beta}
    )


def _draw_beta(rng: np.random.Generator, low: float, high: float) -> float:
    """Half of the draws uniform below 1 and half above, where [low, high] spans 1."""
    below = rng.random() < 0.5
    return float(rng.uniform(low, 1.0) if below else rng.uniform(1.0, high))
