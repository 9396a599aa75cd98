"""Layers of streaks from a bank, each at one distance."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.patterns.bank import Pattern
from degradations.rain.params import Layer
from degradations.rain.segments import cells_of

Plane = NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def _add(
    plane: Plane, tile: Pattern, top: int, left: int, opacity: float, clear: Plane, columns: NDArray[np.int32]
) -> None:
    height, width = plane.shape
    factor, one = np.float32(opacity / 255.0), np.float32(1.0)
    seen = np.empty(width, dtype=np.float32)
    current = -1
    for y in range(height):
        row, small = tile[(y + top) % tile.shape[0]], y * clear.shape[0] // height
        if small != current:
            current = small
            for x in range(width):
                seen[x] = factor * clear[small, columns[x]]
        x = 0
        start = left % tile.shape[1]
        while x < width:
            run = min(width - x, tile.shape[1] - start)
            part, opacities, shares = row[start : start + run], plane[y, x : x + run], seen[x : x + run]
            for i in range(run):
                opacities[i] += np.float32(part[i]) * shares[i] * (one - opacities[i])
            x += run
            start = 0


def add_layer(plane: Plane, pattern: Pattern, layer: Layer, scale: float, nearness: Plane) -> None:
    """Lays `pattern` (uint8 (h, w), tileable, 255 times opacity) over `plane` (opacity, float32 (H, W)).

    One pixel of the pattern is zoom·scale pixels wide. It is seen where the scene, at 1/distance `nearness` (float32
    (h, w)), is farther than the layer.
    """
    zoom = layer.zoom * scale
    size = (max(1, round(pattern.shape[1] * zoom)), max(1, round(pattern.shape[0] * zoom)))
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    tile = np.asarray(cv2.resize(pattern[:, ::-1] if layer.mirrored else pattern, size, interpolation=how))
    ratio = nearness * np.float32(layer.distance_m)
    clear = np.clip((np.float32(1.05) - ratio) * np.float32(10.0), 0.0, 1.0).astype(np.float32)
    top, left = (int(share * side) for share, side in zip(layer.offset, tile.shape, strict=True))
    _add(plane, tile, top, left, layer.opacity, clear, cells_of(plane.shape[1], nearness.shape[1]))
