"""Whether the content of a pair lies at the same place."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma

#: Below this side, in pixels, there is nothing to correlate; from `_HALVED` on the pictures are halved first.
_SMALLEST, _HALVED = 16, 128
#: A blurred pair is reduced to about this short side: its blur grows with the picture.
_BLURRED_SIDE = 360
#: Mean amplitude for each pixel, in squared codes, below which a picture has no detail.
_FAINTEST = 1e-3


class Tuning(NamedTuple):
    """How to correlate, in pixels of the reduced pictures.

    peak: σ of the correlation peak. lowest: frequency, in cycles a pixel, below which the spectrum is damped.
    floor: share of the mean amplitude added before whitening, so that frequencies which blur or noise emptied
    count for less.
    """

    peak: float = 1.0
    lowest: float = 0.01
    floor: float = 0.5


#: A point-spread function has its centre of mass at the clean place, its highest point elsewhere: a wide peak sees
#: the former. Haze paints shapes of its own at low frequencies: they are damped.
_TUNINGS = {"blur": Tuning(peak=4.0, floor=2.0), "haze": Tuning(lowest=0.09)}


def alignment(degraded: Luma, clean: Luma, degradation: str) -> dict[str, float]:
    """pair.shift: length in pixels of the global translation of the degraded picture against the clean one.
    pair.shift_share: the same as a share of the short side.

    Phase correlation (Kuglin and Hines 1975) under a Hann window, on the pictures halved by area averaging (blurred
    pairs: reduced to a short side near 360), limited to a band that makes the peak close to a Gaussian; its place is
    refined by a quadratic through the logarithms of 3×3 values. NaN below 16 pixels a side or where either picture
    has no detail.
    """
    short = min(clean.shape)
    scale = max(1, round(short / _BLURRED_SIDE)) if degradation == "blur" else 1 + (short >= _HALVED)
    degraded, clean = _reduce(degraded, scale), _reduce(clean, scale)
    shift = math.nan
    if min(clean.shape) >= _SMALLEST:
        shift = scale * _shift(degraded, clean, _TUNINGS.get(degradation, Tuning()))
    return {"pair.shift": shift, "pair.shift_share": shift / short}


def _shift(degraded: Luma, clean: Luma, tuning: Tuning) -> float:
    height, width = clean.shape
    window, band = _window_and_band(height, width, tuning.peak, tuning.lowest)
    spectrum_d = np.fft.rfft2((degraded - degraded.mean()) * window)
    spectrum_c = np.fft.rfft2((clean - clean.mean()) * window)
    cross = spectrum_d * np.conj(spectrum_c)
    amplitude = np.abs(cross)
    mean_amplitude = math.sqrt(float(np.mean(np.square(amplitude) * band) / np.mean(band)))
    if mean_amplitude < _FAINTEST * clean.size:
        return math.nan
    whitened = cross * (band / (amplitude + tuning.floor * mean_amplitude))
    return math.hypot(*_peak(np.fft.irfft2(whitened, s=(height, width))))


def _reduce(grey: Luma, scale: int) -> Luma:
    """The picture reduced by `scale`, cut to sides that transform quickly (multiples of 16)."""
    if scale == 1:
        return grey
    height, width = (side // (16 * scale) * 16 for side in grey.shape)
    cut = grey[: height * scale, : width * scale]
    reduced: Luma = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
    return reduced


@functools.lru_cache(maxsize=8)
def _window_and_band(
    height: int, width: int, peak: float, lowest: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The Hann window (H, W) and the weights (H, W//2 + 1) of the spectrum."""
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    squared = np.add.outer(np.fft.fftfreq(height) ** 2, np.fft.rfftfreq(width) ** 2)
    band = np.exp(-2.0 * (np.pi * peak) ** 2 * squared) * -np.expm1(-squared / (2.0 * lowest**2))
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
