"""Patchy air: tileable fields of fractal noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degradations.rng import generator

#: Side of a field, pixels; it spans the whole picture, so patches scale with it.
SIDE = 128


def thickness_field(seed: int, variation: float, exponent: float, stretch: float) -> NDArray[np.float32]:
    """Factor on optical thickness, float32 (128, 128), positive, mean 1, tileable.

    variation: coefficient of variation. exponent: of the amplitude spectrum f^−exponent. stretch: how much longer
    patches are along the horizon than upright. A log-normal of Gaussian noise, filtered in the frequency domain.
    """
    noise = generator(seed).standard_normal((SIDE, SIDE))
    frequency_y, frequency_x = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :]
    frequency = np.hypot(frequency_y / stretch**0.5, frequency_x * stretch**0.5)
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(np.fft.rfft2(noise) * frequency**-exponent, s=(SIDE, SIDE))
    field = np.exp(np.sqrt(np.log1p(variation**2)) * noise / noise.std())
    return np.asarray(field / field.mean(), dtype=np.float32)
