"""Fractal noise: Gaussian fields with a power-law spectrum, by Fourier transform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fractal_noise(
    rng: np.random.Generator, side: int, exponent: float, stretch: float = 1.0, angle: float = 0.0
) -> NDArray[np.float32]:
    """A tileable Gaussian field, float32 (side, side), mean 0, standard deviation 1 (0 where side is 1).

    exponent: of the amplitude spectrum f^−exponent. stretch: how much longer its shapes are along `angle` (radians
    from the rows towards the columns) than across.
    """
    noise = rng.standard_normal((side, side))
    down, right = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    along = right * np.cos(angle) + down * np.sin(angle)
    across = down * np.cos(angle) - right * np.sin(angle)
    frequency = np.hypot(along * stretch**0.5, across / stretch**0.5)
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(np.fft.rfft2(noise) * frequency**-exponent, s=(side, side))
    return np.asarray(noise / max(float(noise.std()), 1e-12), dtype=np.float32)
