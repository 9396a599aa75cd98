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
    noise = rng.standard_normal((side, side), dtype=np.float32)
    down, right = (f.astype(np.float32) for f in (np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]))
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along = right * cosine + down * sine
    across = down * cosine - right * sine
    squared = along * along * np.float32(stretch) + across * across * np.float32(1.0 / stretch)
    squared[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(noise) * squared ** np.float32(-0.5 * exponent), s=(side, side))
    return np.asarray(field / max(float(field.std()), 1e-12), dtype=np.float32)
