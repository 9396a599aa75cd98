"""The random resizes of Real-ESRGAN."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degradations.contract import Params, pick
from degradations.resize import Interpolation, resize, scaled
from degradations.severity import LOOSE, linear, position

_INTERPOLATIONS: tuple[Interpolation, ...] = ("area", "linear", "cubic")


class Resizing(Params):
    """To `scale` times the picture's size."""

    scale: float
    interpolation: Interpolation

    def apply(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (H, W, 3) at its new size."""
        return resize(pixels, scaled((pixels.shape[0], pixels.shape[1]), self.scale), self.interpolation)


def draw_interpolation(rng: np.random.Generator) -> Interpolation:
    """Area, bilinear or bicubic, equally often."""
    return _INTERPOLATIONS[int(rng.integers(3))]


def draw_scale(
    rng: np.random.Generator, severity: float, ways: tuple[float, float, float], lowest: float, highest: float
) -> float:
    """Up, down or not at all with the probabilities `ways`; the factor uniform between 1 and that end of the range.

    A smaller picture is more severe, a larger one is not.
    """
    way = pick(rng, dict(zip(("up", "down", "keep"), ways, strict=True)))
    if way == "keep":
        return 1.0
    if way == "up":
        return linear(float(rng.random()), 1.0, highest)
    return linear(position(rng, severity, LOOSE), 1.0, lowest)
