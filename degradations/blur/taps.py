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

from degradations.blur.highlights import decode_lifted_pixels, lift_table
from degradations.contract import Image
from degradations.light import DECODE, ENCODE, encode_flat

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
    dy, dx, weight, start = _splat(np.ascontiguousarray(centred), weights, radius)
    return Taps(dy, dx, weight, start, columns, tile)


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
def _row(
    padded: NDArray[np.float32],
    y: int,
    channels: int,
    margin: int,
    dy: NDArray[np.int32],
    dx: NDArray[np.int32],
    weight: NDArray[np.float32],
    start: NDArray[np.int32],
    first: int,
    columns: int,
    tile: int,
    out: NDArray[np.float32],
) -> None:
    """One row of the result. y: of `padded`, without its margin. first: number of the row's first tile."""
    step = min(tile * channels, out.size)
    for column in range(columns):
        left = column * step
        size = min(step, out.size - left)
        line = out[left : left + size]
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


@numba.njit(cache=True, nogil=True)
def _spread_light(
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
    for y in range(out.shape[0]):
        _row(padded, y, channels, margin, dy, dx, weight, start, (y // tile) * columns, columns, tile, out[y])


@numba.njit(cache=True, nogil=True)
def _mirrored(i: int, size: int) -> int:
    if size == 1:
        return 0
    i = abs(i) % (2 * size - 2)
    return min(i, 2 * size - 2 - i)


@numba.njit(cache=True, nogil=True)
def _spread_image(
    image: Image,
    decode: NDArray[np.float32],
    lift: NDArray[np.float32],
    encode: NDArray[np.uint8],
    margin: int,
    dy: NDArray[np.int32],
    dx: NDArray[np.int32],
    weight: NDArray[np.float32],
    start: NDArray[np.int32],
    columns: int,
    tile: int,
    out: Image,
) -> None:
    # Bands of rows keep the linear light of the moment in the cache: the whole of it is never in memory.
    height, width = image.shape[0], image.shape[1]
    band = min(64, height)
    padded = np.empty((band + 2 * margin, (width + 2 * margin) * 3), dtype=np.float32)
    line = np.empty(width * 3, dtype=np.float32)
    for top in range(0, height, band):
        bottom = min(height, top + band)
        for y in range(top - margin, bottom + margin):
            row = padded[y - top + margin]
            inner = row[margin * 3 : (margin + width) * 3].reshape(width, 3)
            decode_lifted_pixels(image[_mirrored(y, height)], decode, lift, inner)
            for x in range(margin):
                left, right = _mirrored(x - margin, width), _mirrored(width + x, width)
                for c in range(3):
                    row[3 * x + c] = inner[left, c]
                    row[3 * (margin + width + x) + c] = inner[right, c]
        for y in range(top, bottom):
            first = (y // tile) * columns
            _row(padded, y - top, 3, margin, dy, dx, weight, start, first, columns, tile, line)
            encode_flat(line, encode, out[y].reshape(-1))


def convolve(light: NDArray[np.float32], taps: Taps) -> NDArray[np.float32]:
    """`light` (float32 (H, W, C), linear) spread by its tiles' point-spread functions; mirrored beyond its edges."""
    height, width, channels = light.shape
    margin = taps.reach
    padded = cv2.copyMakeBorder(light, margin, margin, margin, margin, cv2.BORDER_REFLECT_101)
    out = np.empty((height, width * channels), dtype=np.float32)
    flat = padded.reshape(padded.shape[0], -1)
    _spread_light(flat, channels, margin, taps.dy, taps.dx, taps.weight, taps.start, taps.columns, taps.tile, out)
    return out.reshape(light.shape)


def convolve_image(image: Image, taps: Taps, highlight_gain: float) -> Image:
    """`image` (uint8 (H, W, 3), sRGB), its highlights lifted, through `convolve` in linear light, encoded again."""
    out = np.empty_like(image, order="C")
    _spread_image(
        np.ascontiguousarray(image),
        DECODE,
        lift_table(highlight_gain),
        ENCODE,
        taps.reach,
        taps.dy,
        taps.dx,
        taps.weight,
        taps.start,
        taps.columns,
        taps.tile,
        out,
    )
    return out
