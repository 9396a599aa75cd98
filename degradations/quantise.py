"""Between uint8 codes and float32 pictures on the same 0-255 scale."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image


def to_float(image: Image) -> NDArray[np.float32]:
    """Codes as float32 on the 0-255 scale."""
    return image.astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _round(values: NDArray[np.float32], out: Image) -> None:
    for i in range(values.size):
        value = values[i] + np.float32(0.5)
        value = value if value > np.float32(0.0) else np.float32(0.0)  # also NaN
        out[i] = np.uint8(np.int32(value if value < np.float32(255.0) else np.float32(255.0)))


def to_codes(image: NDArray[np.float32]) -> Image:
    """uint8 codes of a float32 picture on the 0-255 scale: clamped, rounded half up, NaN as 0."""
    flat = np.ascontiguousarray(image, dtype=np.float32).reshape(-1)
    out = np.empty(flat.size, dtype=np.uint8)
    _round(flat, out)
    return out.reshape(image.shape)
