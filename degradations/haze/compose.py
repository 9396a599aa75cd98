"""The light of a hazy picture, in one pass over its pixels."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.light import DECODE, ENCODE

Plane = NDArray[np.float32]

#: Luma of sRGB codes / 255: the guide along whose edges transmission is carried from small to full size.
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@numba.njit(cache=True, nogil=True)
def _compose(
    image: Image,
    slope: Plane,
    offset: Plane,
    airlight: Plane,
    glow: NDArray[np.float32],
    scatter: float,
    decode: NDArray[np.float32],
    encode: NDArray[np.uint8],
    luma: NDArray[np.float32],
    out: Image,
) -> None:
    height, width = slope.shape
    transmission = np.empty(width, dtype=np.float32)
    index = np.empty(3 * width, dtype=np.int32)
    light = np.empty(3 * width, dtype=np.float32)
    one, zero = np.float32(1.0), np.float32(0.0)
    red, green, blue = luma[0] / np.float32(255.0), luma[1] / np.float32(255.0), luma[2] / np.float32(255.0)
    share = np.float32(scatter)
    for y in range(height):
        pixels = image[y]
        for x in range(width):
            guide = pixels[x, 0] * red + pixels[x, 1] * green + pixels[x, 2] * blue
            t = slope[y, x] * guide + offset[y, x]
            t = t if t > zero else zero
            transmission[x] = t if t < one else one
        for x in range(width):
            for c in range(3):
                light[3 * x + c] = decode[pixels[x, c]]
        if share > zero:
            for x in range(width):
                mix = share * (one - transmission[x])
                for c in range(3):
                    light[3 * x + c] += mix * (glow[y, x, c] - light[3 * x + c])
        for x in range(width):
            t = transmission[x]
            for c in range(3):
                light[3 * x + c] = airlight[y, c] + t * (light[3 * x + c] - airlight[y, c])
        for i in range(3 * width):
            value = light[i]
            value = value if value > zero else zero
            value = value if value < one else one
            index[i] = np.int32(np.sqrt(value) * np.float32(4096.0) + np.float32(0.5))
        for x in range(width):
            for c in range(3):
                out[y, x, c] = encode[index[3 * x + c]]


def compose(
    image: Image, slope: Plane, offset: Plane, airlight: Plane, glow: NDArray[np.float32] | None, scatter: float
) -> Image:
    """I = J·t + A·(1 − t) in linear light, encoded to sRGB uint8 of the image's shape.

    t = slope·luma + offset, clipped to [0, 1]; slope and offset float32 (h, w) of any size, stretched over the picture.
    airlight: linear, float32 (H, 3), one colour a row. glow: blurred linear light of any size; where given, J takes the
    share scatter·(1 − t) of its light from it.
    """
    height, width = image.shape[:2]

    def full(field: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR))

    out = np.empty_like(image)
    blurred = np.zeros((1, 1, 3), dtype=np.float32) if glow is None else full(glow)
    share = 0.0 if glow is None else scatter
    _compose(
        np.ascontiguousarray(image), full(slope), full(offset), airlight, blurred, share, DECODE, ENCODE, LUMA, out
    )
    return out
