"""How much the 8×8 blocks of JPEG show."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma

_BLOCK = 8
#: A step larger than this is content, in codes.
_LARGEST = 24.0


def blockiness(grey: Luma) -> dict[str, float]:
    """source.blockiness ≥ 0: how much larger steps across block borders are than elsewhere, less 1; 0 for none.

    The mean size of second differences (steps less the slopes beside them), capped at 24 codes, is taken for each of
    the eight phases of columns and of rows, on every second line; the phase that stands out most over the median of the
    others is the grid, so cropped pictures count too. The mean of both directions. After the measure of Wang, Sheikh
    and Bovik (2002). NaN for pictures with a side below 32.
    """
    if min(grey.shape) < 4 * _BLOCK:
        return {"source.blockiness": float("nan")}
    return {"source.blockiness": 0.5 * (_excess(grey, 1) + _excess(grey, 0))}


def _excess(grey: Luma, axis: int) -> float:
    profile = (_across if axis else _down)(grey, np.float32(_LARGEST))
    usable = profile[: profile.size // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    phases: NDArray[np.float64] = np.median(usable, axis=0).astype(np.float64)
    place = int(np.argmax(phases))
    others = float(np.median(np.delete(phases, place)))
    return float(phases[place]) / (others + 0.05) - 1.0 if phases[place] > others else 0.0


@numba.njit(cache=True, nogil=True)
def _across(grey: Luma, largest: np.float32) -> NDArray[np.float32]:
    """For each column but the outermost two on either side, the sum over every second row of the capped size of the
    step to the right, less the steps beside it."""
    height, width = grey.shape
    sums = np.zeros(width - 4, dtype=np.float32)
    for y in range(0, height, 2):
        row = grey[y]
        for x in range(width - 4):
            step = np.float32(1.5) * (row[x + 3] - row[x + 2]) - np.float32(0.5) * (row[x + 4] - row[x + 1])
            sums[x] += min(abs(step), largest)
    sums /= np.float32((height + 1) // 2)
    return sums


@numba.njit(cache=True, nogil=True)
def _down(grey: Luma, largest: np.float32) -> NDArray[np.float32]:
    """The same of the steps downwards, for each row, over every second column."""
    height, width = grey.shape
    sums = np.zeros(height - 4, dtype=np.float32)
    for y in range(height - 4):
        total = np.float32(0.0)
        for x in range(0, width, 2):
            inner, outer = grey[y + 3, x] - grey[y + 2, x], grey[y + 4, x] - grey[y + 1, x]
            total += min(abs(np.float32(1.5) * inner - np.float32(0.5) * outer), largest)
        sums[y] = total / np.float32((width + 1) // 2)
    return sums
