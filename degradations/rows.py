"""Rows of a small plane stretched over a picture, for compiled loops."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def stretched_row(field: Plane, y: int, height: int, out: Plane) -> None:
    """Row y of `field` (float32 (h, n)) stretched bilinearly to `height` rows, into `out` (float32 (at most n,))."""
    at = min(max((y + 0.5) * field.shape[0] / height - 0.5, 0.0), field.shape[0] - 1.0)
    upper, lower = field[int(at)], field[min(int(at) + 1, field.shape[0] - 1)]
    share = np.float32(at - int(at))
    for i in range(out.size):
        out[i] = upper[i] + share * (lower[i] - upper[i])
