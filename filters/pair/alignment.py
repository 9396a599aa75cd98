"""Whether the content of a pair lies at the same place."""

from __future__ import annotations

import functools
import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma

#: Below this side, in pixels, there is nothing to correlate; from `_HALVED` on the pictures are halved first.
_SMALLEST, _HALVED = 16, 128
#: Spread of the correlation peak, in pixels of the correlated size.
_PEAK_SIGMA = 1.0
#: Periods across the short side below which frequencies are damped: veils and shading tell no position.
_PERIODS = 4.0
#: Share of the mean amplitude added before whitening: frequencies that blur or noise emptied count for less.
_FLOOR = 0.5
#: Mean amplitude for each pixel, in squared codes, below which a picture has no detail.
_FAINTEST = 1e-3


def alignment(degraded: Luma, clean: Luma) -> dict[str, float]:
    """pair.shift: length in pixels of the global translation of the degraded picture against the clean one.

    Phase correlation (Kuglin and Hines 1975) under a Hann window, on the pictures halved by area averaging, limited
    to a band that makes the peak close to a Gaussian of σ = 1; its place is refined by a quadratic through the
    logarithms of 3×3 values. NaN below 16 pixels a side or where either picture has no detail.
    """
    scale = 2 if min(clean.shape) >= _HALVED else 1
    degraded, clean = _reduce(degraded, scale), _reduce(clean, scale)
    height, width = clean.shape
    if min(height, width) < _SMALLEST:
        return {"pair.shift": math.nan}
    window, band = _window_and_band(height, width)
    spectrum_d = np.fft.rfft2((degraded - degraded.mean()) * window)
    spectrum_c = np.fft.rfft2((clean - clean.mean()) * window)
    cross = spectrum_d * np.conj(spectrum_c)
    amplitude = np.abs(cross)
    mean_amplitude = math.sqrt(float(np.mean(np.square(amplitude) * band) / np.mean(band)))
    if mean_amplitude < _FAINTEST * height * width:
        return {"pair.shift": math.nan}
    correlation = np.fft.irfft2(cross * (band / (amplitude + _FLOOR * mean_amplitude)), s=(height, width))
    return {"pair.shift": scale * math.hypot(*_peak(correlation))}


def _reduce(grey: Luma, scale: int) -> Luma:
    """Cut to sides that transform quickly (multiples of 16 when halved) and reduced by `scale`."""
    if scale == 1:
        return grey
    height, width = (side // 32 * 32 for side in grey.shape)
    reduced: Luma = cv2.resize(grey[:height, :width], (width // scale, height // scale), interpolation=cv2.INTER_AREA)
    return reduced


@functools.lru_cache(maxsize=4)
def _window_and_band(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The Hann window (H, W) and the weights (H, W//2 + 1) of the spectrum."""
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    squared = np.add.outer(np.fft.fftfreq(height) ** 2, np.fft.rfftfreq(width) ** 2)
    lowest = _PERIODS / min(height, width)
    band = np.exp(-2.0 * (np.pi * _PEAK_SIGMA) ** 2 * squared) * -np.expm1(-squared / (2.0 * lowest**2))
    return window.astype(np.float32), band.astype(np.float32)


def _peak(correlation: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Signed row and column of the highest value of a periodic surface, to a fraction of a step."""
    height, width = correlation.shape
    row, column = divmod(int(correlation.argmax()), width)
    steps = np.array([-1, 0, 1])
    around = correlation[np.ix_((row + steps) % height, (column + steps) % width)].astype(np.float64)
    logs = np.log(np.maximum(around, 1e-3 * around[1, 1]))
    # Least squares of a quadratic over the 3×3 neighbours.
    gx, gy = float((logs @ steps).sum()) / 6.0, float((steps @ logs).sum()) / 6.0
    hxx = float((logs @ np.array([1.0, -2.0, 1.0])).sum()) / 3.0
    hyy = float((np.array([1.0, -2.0, 1.0]) @ logs).sum()) / 3.0
    hxy = float(steps @ logs @ steps) / 4.0
    determinant = hxx * hyy - hxy * hxy
    dy = dx = 0.0
    if hxx < 0.0 < determinant:
        dx = min(1.0, max(-1.0, (hxy * gy - hyy * gx) / determinant))
        dy = min(1.0, max(-1.0, (hxy * gx - hxx * gy) / determinant))
    return (
        (row + height // 2) % height - height // 2 + dy,
        (column + width // 2) % width - width // 2 + dx,
    )
