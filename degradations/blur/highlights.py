"""Light above the white of the photograph, given back before a lens or a shutter spreads it."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.light import DECODE

#: Linear level of the largest channel where the lift begins.
KNEE = 0.85


def lift_table(gain: float, knee: float = KNEE) -> NDArray[np.float32]:
    """Factor on linear light by the code of a pixel's largest channel, float32 (256,): 1 below `knee`, `gain` at 1."""
    x = np.clip((DECODE - knee) / (1.0 - knee), 0.0, 1.0)
    return np.asarray(1.0 + (gain - 1.0) * x * x * (3.0 - 2.0 * x), dtype=np.float32)


@numba.njit(cache=True, nogil=True)
def decode_lifted_pixels(
    image: Image, decode: NDArray[np.float32], lift: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """`decode_lifted` for compiled loops: uint8 (n, 3), the tables DECODE and of `lift_table`, out float32 (n, 3)."""
    for i in range(image.shape[0]):
        red, green, blue = image[i, 0], image[i, 1], image[i, 2]
        factor = lift[max(red, max(green, blue))]
        out[i, 0] = decode[red] * factor
        out[i, 1] = decode[green] * factor
        out[i, 2] = decode[blue] * factor


def decode_lifted(image: Image, gain: float) -> NDArray[np.float32]:
    """Linear light, float32 in [0, gain], of sRGB uint8 (..., 3), its highlights lifted: L·(1+(g−1)·smoothstep(.85, 1,
    max L)) (specification: degradations §0)."""
    out = np.empty(image.shape, dtype=np.float32)
    decode_lifted_pixels(np.ascontiguousarray(image).reshape(-1, 3), DECODE, lift_table(gain), out.reshape(-1, 3))
    return out
