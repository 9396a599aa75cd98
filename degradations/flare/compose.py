"""Light added to a picture in one pass over its pixels."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.blur.highlights import lift_table
from degradations.contract import Image
from degradations.light import DECODE, ENCODE

Float = NDArray[np.float32]


class Lift(NamedTuple):
    """Highlights brighter than an 8-bit photograph holds: `gain` of the brightest (see `lift_table`) at (x, y), fading
    around it as a Gaussian of σ `radius`, pixels."""

    gain: float
    x: float
    y: float
    radius: float


@numba.njit(cache=True, nogil=True)
def _compose(
    image: Image,
    added: Float,
    step: float,
    strength: float,
    veil: Float,
    lift: Float,
    lifted_rows: Float,
    lifted_columns: Float,
    decode: Float,
    encode: NDArray[np.uint8],
    out: Image,
) -> None:
    # Rows of interleaved channels, one simple loop a step: each becomes vector instructions.
    size = image.shape[1]
    light = np.empty(size, dtype=np.float32)
    index = np.empty(size, dtype=np.uint16)
    zero, one = np.float32(0.0), np.float32(1.0)
    scale = np.float32(strength)
    for y in range(image.shape[0]):
        codes, written = image[y], out[y]
        at = min(max((y + 0.5) / step - 0.5, 0.0), added.shape[0] - 1.0)
        upper, lower = added[int(at)], added[min(int(at) + 1, added.shape[0] - 1)]
        share = np.float32(at - int(at))
        for i in range(size):
            light[i] = decode[codes[i]]
        if lifted_rows[y] > zero:
            for x in range(lifted_columns.size):
                most = max(codes[3 * x], max(codes[3 * x + 1], codes[3 * x + 2]))
                factor = one + (lift[most] - one) * lifted_rows[y] * lifted_columns[x]
                light[3 * x] *= factor
                light[3 * x + 1] *= factor
                light[3 * x + 2] *= factor
        for i in range(size):
            value = light[i] + scale * (upper[i] + share * (lower[i] - upper[i])) + veil[i]
            value = value if value > zero else zero
            value = value if value < one else one
            index[i] = np.uint16(np.int32(np.sqrt(value) * np.float32(4096.0) + np.float32(0.5)))
        for i in range(size):
            written[i] = encode[index[i]]


def add_light(image: Image, added: Float, step: int, strength: float, veil: Float, lift: Lift | None = None) -> Image:
    """`image` (uint8 (H, W, 3), sRGB) plus `strength`·`added` plus `veil`, in linear light, encoded to its shape.

    added: float32 (⌈H/step⌉, ⌈W/step⌉, 3), of a picture reduced by `step`, not negative. veil: float32 (3,).
    lift: of highlights before anything is added.
    """
    height, width = image.shape[:2]
    wide = cv2.resize(added, (added.shape[1] * step, added.shape[0]), interpolation=cv2.INTER_LINEAR)
    wide = np.ascontiguousarray(wide.reshape(added.shape[0], -1)[:, : 3 * width])
    table, rows, columns = lift_table(1.0), np.zeros(height, np.float32), np.zeros(width, np.float32)
    if lift is not None:
        table = lift_table(lift.gain)
        rows, columns = _bell(height, lift.y, lift.radius), _bell(width, lift.x, lift.radius)
    out = np.empty((height, 3 * width), dtype=np.uint8)
    flat = np.ascontiguousarray(image).reshape(height, -1)
    _compose(flat, wide, float(step), strength, np.tile(veil, width), table, rows, columns, DECODE, ENCODE, out)
    return out.reshape(image.shape)


def _bell(count: int, middle: float, sigma: float) -> Float:
    """A Gaussian over 0 to count − 1, exactly 0 beyond three σ."""
    place = (np.arange(count) - middle) / sigma
    return np.where(np.abs(place) < 3.0, np.exp(-0.5 * place**2), 0.0).astype(np.float32)
