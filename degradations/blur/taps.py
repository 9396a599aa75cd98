"""Sparse point-spread functions, one a tile, and their convolution.

A motion blur touches a few dozen pixels of a kernel of thousands: adding shifted rows costs a tenth of a Fourier
transform, and lets the kernel change from tile to tile.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

#: Taps are added in groups of this many, so lists are padded to a multiple of it with weights of 0.
GROUP = 4


@dataclass(frozen=True)
class Taps:
    """Point-spread functions of tiles, as lists of taps.

    dy, dx: int32 (n,) displacement of light in pixels; weight: float32 (n,), 1 in total for each tile.
    start: int32 (tiles + 1,), where each tile's list begins; tiles run in reading order, `columns` to a row.
    tile: side of a tile in pixels.
    """

    dy: NDArray[np.int32]
    dx: NDArray[np.int32]
    weight: NDArray[np.float32]
    start: NDArray[np.int32]
    columns: int
    tile: int

    @property
    def reach(self) -> int:
        """The largest displacement along an axis, pixels."""
        return int(max(np.abs(self.dy).max(), np.abs(self.dx).max()))


@numba.njit(cache=True, nogil=True)
def _splat(
    paths: NDArray[np.float64], weights: NDArray[np.float64], radius: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]:
    tiles, points = paths.shape[0], paths.shape[1]
    side = 2 * radius + 1
    grid = np.zeros((side, side), dtype=np.float64)
    most = tiles * (min(4 * points, side * side) + 4)
    dy, dx = np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int32)
    weight = np.empty(most, dtype=np.float32)
    start = np.empty(tiles + 1, dtype=np.int32)
    n = 0
    for tile in range(tiles):
        start[tile] = n
        top, bottom, left, right = side, 0, side, 0
        for point in range(points):
            y, x = paths[tile, point, 0] + radius, paths[tile, point, 1] + radius
            row, column = int(np.floor(y)), int(np.floor(x))
            fy, fx = y - row, x - column
            w = weights[point]
            grid[row, column] += w * (1.0 - fy) * (1.0 - fx)
            grid[row, column + 1] += w * (1.0 - fy) * fx
            grid[row + 1, column] += w * fy * (1.0 - fx)
            grid[row + 1, column + 1] += w * fy * fx
            top, bottom = min(top, row), max(bottom, row + 1)
            left, right = min(left, column), max(right, column + 1)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                if grid[row, column] > 0.0:
                    dy[n], dx[n], weight[n] = row - radius, column - radius, grid[row, column]
                    n += 1
                    grid[row, column] = 0.0
        while (n - start[tile]) % 4 != 0:
            dy[n], dx[n], weight[n] = dy[n - 1], dx[n - 1], 0.0
            n += 1
    start[tiles] = n
    return dy[:n].copy(), dx[:n].copy(), weight[:n].copy(), start


def splat(paths: NDArray[np.float64], weights: NDArray[np.float64], columns: int, tile: int) -> Taps:
    """Point-spread functions of paths: float64 (tiles, points, 2), (y, x) in pixels.

    Each path is shifted so that its mean is at 0, and each point is shared out bilinearly, which keeps the centroid
    exact. weights: (points,), normalised here.
    """
    weights = weights / weights.sum()
    centred = paths - (paths * weights[None, :, None]).sum(axis=1, keepdims=True)
    radius = int(np.ceil(np.abs(centred).max())) + 1
    return Taps(*_splat(np.ascontiguousarray(centred), weights, radius), columns=columns, tile=tile)


def dense(kernel: NDArray[np.float32]) -> Taps:
    """One point-spread function for the whole picture from a kernel, float32 (odd, odd)."""
    rows, columns = np.nonzero(kernel)
    weight = kernel[rows, columns]
    padding = -rows.size % GROUP
    dy = np.pad(rows - kernel.shape[0] // 2, (0, padding), mode="edge").astype(np.int32)
    dx = np.pad(columns - kernel.shape[1] // 2, (0, padding), mode="edge").astype(np.int32)
    start = np.array([0, dy.size], dtype=np.int32)
    return Taps(dy, dx, np.pad(weight, (0, padding)).astype(np.float32), start, columns=1, tile=1 << 30)


@numba.njit(cache=True, nogil=True)
def _convolve(
    padded: NDArray[np.float32],
    channels: int,
    margin: int,
    dy: NDArray[np.int32],
    dx: NDArray[np.int32],
    weight: NDArray[np.float32],
    start: NDArray[np.int32],
    columns: int,
    tile: int,
    out: NDArray[np.float32],
) -> None:
    height, row_size = out.shape
    step = min(tile * channels, row_size)
    for y in range(height):
        first = (y // tile) * columns
        for column in range(columns):
            left = column * step
            size = min(step, row_size - left)
            line = out[y, left : left + size]
            line[:] = np.float32(0.0)
            base = left + margin * channels
            for k in range(start[first + column], start[first + column + 1], 4):
                w0, w1, w2, w3 = weight[k], weight[k + 1], weight[k + 2], weight[k + 3]
                a0, a1 = base - dx[k] * channels, base - dx[k + 1] * channels
                a2, a3 = base - dx[k + 2] * channels, base - dx[k + 3] * channels
                s0 = padded[y + margin - dy[k], a0 : a0 + size]
                s1 = padded[y + margin - dy[k + 1], a1 : a1 + size]
                s2 = padded[y + margin - dy[k + 2], a2 : a2 + size]
                s3 = padded[y + margin - dy[k + 3], a3 : a3 + size]
                for i in range(size):
                    line[i] += w0 * s0[i] + w1 * s1[i] + w2 * s2[i] + w3 * s3[i]


def convolve(light: NDArray[np.float32], taps: Taps) -> NDArray[np.float32]:
    """`light` (float32 (H, W, C), linear) spread by its tiles' point-spread functions; mirrored beyond its edges."""
    height, width, channels = light.shape
    margin = taps.reach
    padded = cv2.copyMakeBorder(light, margin, margin, margin, margin, cv2.BORDER_REFLECT_101)
    out = np.empty((height, width * channels), dtype=np.float32)
    _convolve(
        padded.reshape(padded.shape[0], -1),
        channels,
        margin,
        taps.dy,
        taps.dx,
        taps.weight,
        taps.start,
        taps.columns,
        taps.tile,
        out,
    )
    return out.reshape(light.shape)
