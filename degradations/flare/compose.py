"""Light added to a picture in one pass over its pixels."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.blur.highlights import lift_table
from degradations.contract import Image
from degradations.light import DECODE, ENCODE

Float = NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def _compose(
    image: Image,
    added: Float,
    step: float,
    tint: Float,
    veil: Float,
    lift: Float,
    decode: Float,
    encode: NDArray[np.uint8],
    out: Image,
) -> None:
    # Rows of interleaved channels, one simple loop a step: each becomes vector instructions.
    size = image.shape[1]
    light = np.empty(size, dtype=np.float32)
    index = np.empty(size, dtype=np.uint16)
    zero, one = np.float32(0.0), np.float32(1.0)
    lifted = lift[255] > one
    for y in range(image.shape[0]):
        codes, written = image[y], out[y]
        at = min(max((y + 0.5) / step - 0.5, 0.0), added.shape[0] - 1.0)
        upper, lower = added[int(at)], added[min(int(at) + 1, added.shape[0] - 1)]
        share = np.float32(at - int(at))
        for i in range(size):
            light[i] = decode[codes[i]]
        if lifted:
            for x in range(0, size, 3):
                factor = lift[max(codes[x], max(codes[x + 1], codes[x + 2]))]
                if factor > one:
                    light[x] *= factor
                    light[x + 1] *= factor
                    light[x + 2] *= factor
        for i in range(size):
            value = light[i] + tint[i] * (upper[i] + share * (lower[i] - upper[i])) + veil[i]
            value = value if value > zero else zero
            value = value if value < one else one
            index[i] = np.uint16(np.int32(np.sqrt(value) * np.float32(4096.0) + np.float32(0.5)))
        for i in range(size):
            written[i] = encode[index[i]]


def add_light(image: Image, added: Float, step: int, tint: Float, veil: Float, highlight_gain: float) -> Image:
    """`image` (uint8 (H, W, 3), sRGB) plus `tint`·`added` plus `veil`, in linear light, encoded to its shape.

    added: float32 (⌈H/step⌉, ⌈W/step⌉, 3), of a picture reduced by `step`, not negative. tint, veil: float32 (3,).
    highlight_gain: of the picture's own highlights, before (see `lift_table`).
    """
    height, width = image.shape[:2]
    wide = cv2.resize(added, (added.shape[1] * step, added.shape[0]), interpolation=cv2.INTER_LINEAR)
    wide = np.ascontiguousarray(wide.reshape(added.shape[0], -1)[:, : 3 * width])
    out = np.empty((height, 3 * width), dtype=np.uint8)
    lift = lift_table(highlight_gain)
    flat = np.ascontiguousarray(image).reshape(height, -1)
    _compose(flat, wide, float(step), np.tile(tint, width), np.tile(veil, width), lift, DECODE, ENCODE, out)
    return out.reshape(image.shape)
