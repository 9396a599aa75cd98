"""sRGB ↔ linear light, by table.

Decoding looks up 256 entries; encoding looks up 4097 entries indexed by √L, fine enough that uint8 → linear → uint8 is
exact. Curve: IEC 61966-2-1.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image

_CODES = np.arange(256, dtype=np.float64) / 255.0
#: Linear light in [0, 1] of each sRGB code, float32 (256,).
DECODE: NDArray[np.float32] = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)

_ROOTS = (np.arange(4097, dtype=np.float64) / 4096.0) ** 2
#: sRGB code of L, at index round(4096·√L), uint8 (4097,).
ENCODE: NDArray[np.uint8] = np.floor(
    np.where(_ROOTS <= 0.0031308, 12.92 * _ROOTS, 1.055 * _ROOTS ** (1 / 2.4) - 0.055) * 255.0 + 0.5
).astype(np.uint8)


@numba.njit(cache=True, nogil=True, fastmath=False)
def _decode_flat(image: Image, table: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    for i in range(image.size):
        out[i] = table[image[i]]


def decode(image: Image) -> NDArray[np.float32]:
    """Linear light in [0, 1], float32, of an sRGB uint8 image of any shape."""
    out = np.empty(image.size, dtype=np.float32)
    _decode_flat(np.ascontiguousarray(image).reshape(-1), DECODE, out)
    return out.reshape(image.shape)


@numba.njit(cache=True, nogil=True, fastmath=False)
def encode_flat(linear: NDArray[np.float32], table: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """`encode` for compiled loops: linear float32 (n,), table ENCODE, out uint8 (n,)."""
    block = 1024  # index first, look up second: only then does the compiler vectorise the root
    index = np.empty(block, dtype=np.uint16)
    for start in range(0, linear.size, block):
        size = min(block, linear.size - start)
        for i in range(size):
            value = linear[start + i]
            value = value if value > np.float32(0.0) else np.float32(0.0)  # also NaN
            value = value if value < np.float32(1.0) else np.float32(1.0)
            index[i] = np.uint16(np.int32(np.sqrt(value) * np.float32(4096.0) + np.float32(0.5)))
        for i in range(size):
            out[start + i] = table[index[i]]


def encode(linear: NDArray[np.float32]) -> Image:
    """sRGB uint8 of linear light (float32, any shape), clamped to [0, 1], rounded once; NaN becomes black."""
    flat = np.ascontiguousarray(linear, dtype=np.float32).reshape(-1)
    out = np.empty(flat.size, dtype=np.uint8)
    encode_flat(flat, ENCODE, out)
    return out.reshape(linear.shape)
