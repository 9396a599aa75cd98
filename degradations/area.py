"""Shrinking by the mean over each new pixel's area."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, nogil=True)
def _shares(old: int, new: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """First pixel below each new one, and the shares of it and its followers, float32 (new, taps), 0 past the end."""
    taps = (old + new - 1) // new + 1
    first = np.empty(new, dtype=np.int64)
    shares = np.zeros((new, taps), dtype=np.float32)
    for i in range(new):
        start, stop = i * old, (i + 1) * old  # in units of 1 / new of an old pixel
        first[i] = min(start // new, old - min(taps, old))
        for tap in range(min(taps, old)):
            left = (first[i] + tap) * new
            shares[i, tap] = max(0, min(stop, left + new) - max(start, left)) / old
    return first, shares


@numba.njit(cache=True, nogil=True)
def _shrink(image: Any, height: int, width: int, offset: Any, out: Any) -> None:
    top, down = _shares(image.shape[0], height)
    left, along = _shares(image.shape[1], width)
    rows, columns = min(down.shape[1], image.shape[0]), min(along.shape[1], image.shape[1])
    flat = image.reshape(image.shape[0], image.shape[1] * 3)
    line = np.empty(flat.shape[1], dtype=np.float32)
    for y in range(height):
        share, source = down[y, 0], flat[top[y]]
        for i in range(line.size):
            line[i] = share * np.float32(source[i])
        for tap in range(1, rows):
            share, source = down[y, tap], flat[top[y] + tap]
            if share > np.float32(0.0):
                for i in range(line.size):
                    line[i] += share * np.float32(source[i])
        for x in range(width):
            start = 3 * left[x]
            red = green = blue = offset
            for tap in range(columns):
                share = along[x, tap]
                red += share * line[start + 3 * tap]
                green += share * line[start + 3 * tap + 1]
                blue += share * line[start + 3 * tap + 2]
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = red, green, blue


def shrink_area(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """`image` (uint8 or float32 (H, W, 3)) at `size` (height, width), neither larger than before.

    Each value is the mean of the old ones under it, each weighed by its share of the area; codes are rounded half up.
    The sizes need no common factor; OpenCV's INTER_AREA takes twice the time where they have none.
    """
    out = np.empty((*size, 3), dtype=image.dtype)
    offset = np.float32(0.5 if image.dtype == np.uint8 else 0.0)
    _shrink(np.ascontiguousarray(image), size[0], size[1], offset, out)
    return out
