"""The light of a rainy picture, in one pass over its pixels."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.light import DECODE, ENCODE
from degradations.rain.air import LUMINANCE
from degradations.rows import stretched_row

Plane = NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def _compose(
    image: Image,
    keep: Plane,
    grey: Plane,
    add: Plane,
    shine: Plane,
    streaks: Plane,
    cover: Plane,
    refracted: Plane,
    decode: Plane,
    encode: NDArray[np.uint8],
    luminance: Plane,
    out: Image,
) -> None:
    height, size = image.shape
    width = size // 3
    zero, one = np.float32(0.0), np.float32(1.0)
    light, term = np.empty(size, dtype=np.float32), np.empty(size, dtype=np.float32)
    kept, greyed = np.empty(width, dtype=np.float32), np.empty(width, dtype=np.float32)
    factor = np.empty(size, dtype=np.float32)
    index = np.empty(size, dtype=np.uint16)
    red, green, blue = luminance[0], luminance[1], luminance[2]
    for y in range(height):
        codes, written, streak = image[y], out[y], streaks[y]
        for i in range(size):
            light[i] = decode[codes[i]]
        stretched_row(keep, y, height, kept)
        stretched_row(grey, y, height, greyed)
        stretched_row(add, y, height, term)
        for x in range(width):
            level = greyed[x] * (light[3 * x] * red + light[3 * x + 1] * green + light[3 * x + 2] * blue)
            share = kept[x]
            light[3 * x] = share * light[3 * x] + level
            light[3 * x + 1] = share * light[3 * x + 1] + level
            light[3 * x + 2] = share * light[3 * x + 2] + level
        for i in range(size):
            light[i] += term[i]
        stretched_row(shine, y, height, term)
        for x in range(width):
            factor[3 * x], factor[3 * x + 1], factor[3 * x + 2] = streak[x], streak[x], streak[x]
        for i in range(size):
            light[i] += factor[i] * (term[i] - light[i])
        if cover.shape[0] == height:
            covered = cover[y]
            for x in range(width):
                if covered[x] > zero:
                    for i in range(3 * x, 3 * x + 3):
                        light[i] += covered[x] * (refracted[y, i] - light[i])
        for i in range(size):
            value = light[i]
            value = value if value > zero else zero
            value = value if value < one else one
            index[i] = np.uint16(np.int32(np.sqrt(value) * np.float32(4096.0) + np.float32(0.5)))
        for i in range(size):
            written[i] = encode[index[i]]


def compose(
    image: Image,
    keep: Plane,
    grey: Plane,
    add: Plane,
    shine: Plane,
    streaks: Plane,
    lens: tuple[Plane, Plane] | None,
) -> Image:
    """sRGB uint8 of the linear light S + o·(L − S), S = keep·J + grey·Y(J) + add, behind drops on the lens if given.

    image: J, sRGB uint8 (H, W, 3). keep, grey: float32 (h, w); add and shine, L: float32 (h, w, 3), each of any size,
    stretched over the picture. Y: luminance. streaks: opacity o, float32 (H, W). lens: cover c, float32 (H, W), and
    refracted light D, float32 (H, W, 3), of which the picture takes the share c.
    """
    height, width = image.shape[:2]

    def wide(field: Plane) -> Plane:
        stretched = cv2.resize(field, (width, field.shape[0]), interpolation=cv2.INTER_LINEAR)
        return np.asarray(stretched.reshape(field.shape[0], -1))

    out = np.empty((height, 3 * width), dtype=np.uint8)
    cover, refracted = lens if lens is not None else (np.zeros((0, 0), np.float32), np.zeros((0, 0, 3), np.float32))
    _compose(
        np.ascontiguousarray(image).reshape(height, -1),
        wide(keep),
        wide(grey),
        wide(add),
        wide(shine),
        streaks,
        cover,
        refracted.reshape(refracted.shape[0], refracted.shape[1] * 3),
        DECODE,
        ENCODE,
        LUMINANCE,
        out,
    )
    return out.reshape(image.shape)
