"""What was added to the clean picture."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

_BLOCK = 8


def residual(degraded: NDArray[np.uint8], clean: NDArray[np.uint8]) -> dict[str, float]:
    """pair.residual_sigma: standard deviation of degraded − clean within blocks of 8×8 pixels, in 8-bit codes.

    Pooled over all blocks and the three sRGB channels. Changes of exposure and colour hardly count; noise and grain
    up to a few pixels do.
    """
    return {"pair.residual_sigma": math.sqrt(_within_blocks(degraded, clean) / clean.size)}


@numba.njit(cache=True, nogil=True)
def _within_blocks(degraded: NDArray[np.uint8], clean: NDArray[np.uint8]) -> float:
    """Sum over blocks and channels of the squared distance of the differences from their block's mean.

    Rows of a block are added up as whole lines first, which compiles to wide instructions.
    """
    height, width, channels = clean.shape
    first = np.empty(width * channels, dtype=np.int32)
    second = np.empty(width * channels, dtype=np.int32)
    total = 0.0
    for top in range(0, height, _BLOCK):
        bottom = min(top + _BLOCK, height)
        first[:] = 0
        second[:] = 0
        for y in range(top, bottom):
            above, below = degraded[y].ravel(), clean[y].ravel()
            for x in range(width * channels):
                difference = np.int32(above[x]) - np.int32(below[x])
                first[x] += difference
                second[x] += difference * difference
        for left in range(0, width, _BLOCK):
            right = min(left + _BLOCK, width)
            count = (bottom - top) * (right - left)
            for channel in range(channels):
                sums, squares = np.int64(0), np.int64(0)
                for x in range(left, right):
                    sums += first[x * channels + channel]
                    squares += second[x * channels + channel]
                total += squares - sums * sums / count
    return total
