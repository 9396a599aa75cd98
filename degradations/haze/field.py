"""Patchy air: tileable fields of fractal noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degradations.fractal import fractal_noise
from degradations.rng import generator

#: Side of a field, pixels; it spans the whole picture, so patches scale with it.
SIDE = 128


def thickness_field(seed: int, variation: float, exponent: float, stretch: float) -> NDArray[np.float32]:
    """Factor on optical thickness, float32 (128, 128), positive, mean 1, tileable.

    variation: coefficient of variation. exponent: of the amplitude spectrum f^−exponent. stretch: how much longer
    patches are along the horizon than upright. A log-normal of fractal noise.
    """
    noise = fractal_noise(generator(seed), SIDE, exponent, stretch)
    field = np.exp(np.float32(np.log1p(variation**2) ** 0.5) * noise)
    return np.asarray(field / field.mean(), dtype=np.float32)
