"""The light behind the glass and the light mirrored in it, added in one pass over the picture."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.light import DECODE, ENCODE, encode_flat
from degradations.rows import stretched_row

Light = NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def _compose(
    image: Image,
    mirrored: Light,
    visibility: Light,
    tint: Light,
    decode: Light,
    encode: NDArray[np.uint8],
    out: Image,
) -> None:
    height, size = image.shape
    light, second, share = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    for y in range(height):
        codes = image[y]
        for i in range(size):
            light[i] = decode[codes[i]]
        stretched_row(mirrored, y, height, second)
        stretched_row(visibility, y, height, share)
        for i in range(size):
            light[i] = tint[i] * light[i] + share[i] * second[i]
        encode_flat(light, encode, out[y])


def compose(image: Image, mirrored: Light, visibility: Light, tint: Light) -> Image:
    """I = tint·T + visibility·R in linear light, encoded to sRGB uint8 of the image's shape.

    mirrored: R, linear, float32 (h, w, 3) of any size, stretched over the picture. visibility: float32 (h, w) of any
    size. tint: linear RGB, float32 (3,).
    """
    height, width = image.shape[:2]

    def wide(field: Light) -> Light:
        stretched = field
        if field.shape[1] != width:
            stretched = np.asarray(cv2.resize(field, (width, field.shape[0]), interpolation=cv2.INTER_LINEAR))
        return np.ascontiguousarray(stretched).reshape(field.shape[0], -1)

    out = np.empty((height, 3 * width), dtype=np.uint8)
    _compose(
        np.ascontiguousarray(image).reshape(height, -1),
        wide(mirrored),
        wide(np.repeat(visibility[:, :, None], 3, axis=2)),
        np.tile(tint, width),
        DECODE,
        ENCODE,
        out,
    )
    return out.reshape(image.shape)
