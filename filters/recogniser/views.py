"""What the recogniser is shown of a picture: tiles at native resolution, the whole, and its statistics."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.statistics.features import statistics

Image = NDArray[np.uint8]
Planes = NDArray[np.float32]

#: Tiles of a picture that is scored, GRID² in all, spread evenly.
GRID = 3
#: Planes of a tile (colour and residual) and of the whole (colour).
TILE_PLANES, WHOLE_PLANES = 6, 3


def padded(image: Image, side: int) -> Image:
    """`image`, mirrored beyond its lower and right border where a side is shorter than `side`."""
    down, right = max(0, side - image.shape[0]), max(0, side - image.shape[1])
    if not down and not right:
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_REFLECT), dtype=np.uint8)


def tile_at(image: Image, top: int, left: int, side: int) -> Planes:
    """The tile of `image` (uint8, sides ≥ `side`) at (top, left), float32 (6, side, side).

    Three planes of colour in [−1, 1], and three of the residual r after a 3×3 median as sign(r)·√(|r|/64), r in codes:
    faint noise and block edges come near in size to strong ones.
    """
    cut = np.ascontiguousarray(image[top : top + side, left : left + side])
    residual = cut.astype(np.float32) - cv2.medianBlur(cut, 3).astype(np.float32)
    companded = np.copysign(np.sqrt(np.abs(residual) / np.float32(64.0)), residual)
    return np.concatenate([_planes(cut), companded.transpose(2, 0, 1)])


def grid_tiles(image: Image, side: int) -> Planes:
    """GRID² tiles of a picture of any size, evenly spread from corner to corner, float32 (GRID², 6, side, side)."""
    picture = padded(image, side)
    tops, lefts = (np.linspace(0, length - side, GRID).astype(int) for length in picture.shape[:2])
    return np.stack([tile_at(picture, int(top), int(left), side) for top in tops for left in lefts])


def whole_of(image: Image, side: int) -> Planes:
    """The whole picture, whatever its aspect, as a square: float32 (3, side, side) in [−1, 1]."""
    return _planes(np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8))


def measures_of(image: Image) -> Planes:
    """The statistics of a picture of any size in the order of `measure_names`, float32 (k,); NaN where one cannot be
    measured."""
    return np.array(list(statistics(image).values()), dtype=np.float32)


@cache
def measure_names() -> tuple[str, ...]:
    """Names of the statistics, in order."""
    return tuple(statistics(np.zeros((16, 16, 3), dtype=np.uint8)))


def _planes(image: Image) -> Planes:
    return np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32) / np.float32(127.5) - np.float32(1.0)
