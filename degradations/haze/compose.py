"""The light of a hazy picture, in one pass over its pixels."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.light import DECODE, ENCODE
from degradations.rows import stretched_row

Plane = NDArray[np.float32]

#: Luma of sRGB codes / 255: the guide along whose edges transmission is carried from small to full size.
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@numba.njit(cache=True, nogil=True)
def _compose(
    image: Image,
    slope: Plane,
    offset: Plane,
    tint: NDArray[np.float32],
    fade: NDArray[np.float32],
    glow: Plane,
    scatter: float,
    lamps: Plane,
    decode: NDArray[np.float32],
    encode: NDArray[np.uint8],
    luma: NDArray[np.float32],
    out: Image,
) -> None:
    # Rows of interleaved channels, one simple loop a step: each becomes vector instructions.
    height, size = image.shape
    transmission = np.empty(size, dtype=np.float32)
    light = np.empty(size, dtype=np.float32)
    index = np.empty(size, dtype=np.uint16)
    factor, term = np.empty(size // 3, dtype=np.float32), np.empty(size // 3, dtype=np.float32)
    shine = np.zeros(size, dtype=np.float32)
    one, zero, share = np.float32(1.0), np.float32(0.0), np.float32(scatter)
    red, green, blue = luma[0] / np.float32(255.0), luma[1] / np.float32(255.0), luma[2] / np.float32(255.0)
    for y in range(height):
        codes, written, level = image[y], out[y], fade[y]
        stretched_row(slope, y, height, factor)
        stretched_row(offset, y, height, term)
        for x in range(size // 3):
            guide = codes[3 * x] * red + codes[3 * x + 1] * green + codes[3 * x + 2] * blue
            t = factor[x] * guide + term[x]
            t = t if t > zero else zero
            t = t if t < one else one
            transmission[3 * x], transmission[3 * x + 1], transmission[3 * x + 2] = t, t, t
        for i in range(size):
            light[i] = decode[codes[i]]
        if share > zero:
            stretched_row(glow, y, height, shine)
            for i in range(size):
                air, t = tint[i] * level, transmission[i]
                value = light[i] + share * (one - t) * (shine[i] - light[i])
                light[i] = air + t * (value - air)
        else:
            for i in range(size):
                air = tint[i] * level
                light[i] = air + transmission[i] * (light[i] - air)
        if lamps.size > 0:
            stretched_row(lamps, y, height, shine)
            for i in range(size):
                light[i] += (one - transmission[i]) * shine[i]
        for i in range(size):
            value = light[i] if light[i] > zero else zero
            value = value if value < one else one
            index[i] = np.uint16(np.int32(np.sqrt(value) * np.float32(4096.0) + np.float32(0.5)))
        for i in range(size):
            written[i] = encode[index[i]]


def compose(
    image: Image,
    slope: Plane,
    offset: Plane,
    airlight: NDArray[np.float32],
    fade: NDArray[np.float32],
    glow: NDArray[np.float32] | None,
    scatter: float,
    lamps: NDArray[np.float32] | None,
) -> Image:
    """I = J·t + A·(1 − t) in linear light, encoded to sRGB uint8 of the image's shape.

    t = slope·luma + offset, clipped to [0, 1]; slope and offset float32 (h, w) of any size, stretched over the picture.
    A = airlight (linear RGB, float32 (3,)) times fade (float32 (H,), by row). glow: blurred linear light, float32
    (h, w, 3) of any size; where given, J takes the share scatter·(1 − t) of its light from it. lamps: light
    that the air scatters from lamps, added to A, laid out like glow.
    """
    height, width = image.shape[:2]

    def wide(field: NDArray[np.float32]) -> NDArray[np.float32]:
        stretched = cv2.resize(field, (width, field.shape[0]), interpolation=cv2.INTER_LINEAR)
        return np.asarray(stretched.reshape(field.shape[0], -1))

    out = np.empty((height, 3 * width), dtype=np.uint8)
    _compose(
        np.ascontiguousarray(image).reshape(height, -1),
        wide(slope),
        wide(offset),
        np.tile(airlight, width),
        fade,
        np.zeros((1, 3 * width), dtype=np.float32) if glow is None else wide(glow),
        0.0 if glow is None else scatter,
        np.zeros((0, 3 * width), dtype=np.float32) if lamps is None else wide(lamps),
        DECODE,
        ENCODE,
        LUMA,
        out,
    )
    return out.reshape(image.shape)
