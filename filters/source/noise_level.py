"""How noisy the picture is."""

from __future__ import annotations

import math

import cv2
import numpy as np

from filters.luma import Luma

_BLOCK = 8
#: Root mean square of the flattest tenth of blocks over the true σ, for white Gaussian noise (measured: 0.82).
_BIAS = 0.82
_SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0], dtype=np.float32)


def noise_level(grey: Luma) -> dict[str, float]:
    """source.noise_sigma: standard deviation of the noise in luma, in 8-bit codes; the larger of two scales.

    Immerkær's operator (1996), a second difference along both axes, whose response to unit white noise is 6, leaves
    noise and fine texture; its root mean square in 8×8 blocks is read at the flattest tenth of the blocks that are
    not clipped. The same on the picture halved by area averaging sees grain that spans several pixels, which the
    full size misses. NaN below 10 pixels a side or when all blocks are clipped to black or white.
    """
    fine = _sigma(grey)
    half = (
        cv2.resize(grey, (grey.shape[1] // 2, grey.shape[0] // 2), interpolation=cv2.INTER_AREA)
        if min(grey.shape) >= 2 * (_BLOCK + 2)
        else None
    )
    coarse = _sigma(half) if half is not None else math.nan
    return {"source.noise_sigma": float(np.fmax(fine, coarse))}


def _sigma(grey: Luma) -> float:
    rows, columns = ((side - 2) // _BLOCK for side in grey.shape)
    if rows < 1 or columns < 1:
        return math.nan
    response = cv2.sepFilter2D(grey, cv2.CV_32F, _SECOND_DIFFERENCE, _SECOND_DIFFERENCE)
    inner = (slice(1, 1 + rows * _BLOCK), slice(1, 1 + columns * _BLOCK))
    power = cv2.resize(np.square(response[inner]), (columns, rows), interpolation=cv2.INTER_AREA)
    level = cv2.resize(grey[inner], (columns, rows), interpolation=cv2.INTER_AREA)
    usable = power[(level > 8) & (level < 247)]
    if usable.size == 0:
        return math.nan
    return float(np.sqrt(np.quantile(usable, 0.1))) / 6.0 / _BIAS
