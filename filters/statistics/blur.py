"""Statistics of blur: how steeply the spectrum falls and how wide the edges are."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma
from filters.statistics.planes import RINGS, Planes, median, quantile

#: Edges count from this slope on, in codes a pixel at σ = 2 px, and tiles from this variance.
_SLOPE_FLOOR = 2.0
_FLATTEST = 4.0


def blur(planes: Planes) -> dict[str, float]:
    """statistics.blur.*: numbers that rise with blur, but for those of direction.

    slope: minus the slope of log power over log frequency, .07-.5 cycles a pixel; bend: how much steeper its upper
    half is than its lower. direction: the range over directions of log power above .2 cycles a pixel. width, soft:
    median and ninth decile of the edges' spread s in px, from the ratio of their slopes after Gaussians of 1 and 2 px
    (Zhuo and Sim 2011); sharp: the first decile. range: of the tiles' median spreads. reblur: share of neighbours'
    differences that a second blur of 9 px leaves (Crete et al. 2007), the larger of both axes; axes: their distance.
    NaN where there are no edges.
    """
    busy = planes.variance > _FLATTEST
    logs = np.log(planes.rings + 1e-3)
    rings = logs.mean(axis=2)
    rings = rings[busy] if busy.any() else rings
    low, middle = RINGS // 3 + 1, 2 * RINGS // 3
    slope = median(_slopes(rings[:, low:]))
    bend = median(_slopes(rings[:, middle:]) - _slopes(rings[:, low - 2 : middle]))
    turns = logs[busy][:, middle + 1 :].mean(axis=1) if busy.any() else logs[:, -1]
    widths = [_widths(tile) for tile in planes.luma]
    pooled = np.concatenate(widths)
    medians = np.array([median(tile) if tile.size >= 16 else math.nan for tile in widths])
    reblur = _reblurred(planes.luma)
    return {
        "statistics.blur.slope": slope,
        "statistics.blur.bend": bend,
        "statistics.blur.direction": median(turns.max(axis=1) - turns.min(axis=1)),
        "statistics.blur.sharp": quantile(pooled, 0.1),
        "statistics.blur.width": median(pooled),
        "statistics.blur.soft": quantile(pooled, 0.9),
        "statistics.blur.range": quantile(medians, 1.0) - quantile(medians, 0.0),
        "statistics.blur.reblur": max(reblur),
        "statistics.blur.axes": abs(reblur[0] - reblur[1]),
        "statistics.blur.fine": _fine(rings),
    }


def _fine(rings: NDArray[np.float64]) -> float:
    """Log of the power of the coarse third of the rings over that of the finest ring."""
    return median(rings[:, 2:5].mean(axis=1) - rings[:, -1])


def _slopes(rings: NDArray[np.float64]) -> NDArray[np.float64]:
    """Minus the least-squares slope of each row over equal steps of log frequency."""
    steps = np.arange(rings.shape[1]) - (rings.shape[1] - 1) / 2
    unit = math.log(0.5 / 0.015) / RINGS
    return -(rings * steps).sum(axis=1) / (steps**2).sum() / unit


def _widths(tile: Luma) -> NDArray[np.float64]:
    """Spread in px of each strong edge pixel of a tile."""
    if min(tile.shape) < 3:
        return np.empty(0)
    fine, coarse = cv2.GaussianBlur(tile, (7, 7), 1.0), cv2.GaussianBlur(tile, (13, 13), 2.0)
    ratio, slope = _edges(fine, coarse, _SLOPE_FLOOR)
    if ratio.size == 0:
        return np.empty(0)
    ratio = ratio[slope > 0.3 * quantile(slope, 0.98)]
    squared = np.clip(ratio**2, 1.02, 3.25)
    # R² = (s² + 13/3) / (s² + 4/3): see filters.source.sharpness.
    return np.sqrt(np.maximum(0.0, 3.0 / (squared - 1.0) - 4.0 / 3.0))


@numba.njit(cache=True, nogil=True)
def _edges(fine: Luma, coarse: Luma, floor: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope ratio and coarse slope of the pixels where the fine slope peaks along the axis nearer to its gradient."""
    height, width = fine.shape
    ratio, slope = np.empty(fine.size), np.empty(fine.size)
    count = 0
    for y in range(1, height - 1):
        for x in range(2, width - 2):
            cx, cy = coarse[y, x + 1] - coarse[y, x - 1], coarse[y + 1, x] - coarse[y - 1, x]
            strength = cx * cx + cy * cy
            if strength <= 4.0 * floor * floor:
                continue
            dx, dy = fine[y, x + 1] - fine[y, x - 1], fine[y + 1, x] - fine[y - 1, x]
            here = dx * dx + dy * dy
            if abs(dx) > abs(dy):
                before, after = fine[y, x] - fine[y, x - 2], fine[y, x + 2] - fine[y, x]
                peak = abs(dx) >= abs(before) and abs(dx) > abs(after)
            else:
                before = fine[y, x] - fine[max(y - 2, 0), x]
                after = fine[min(y + 2, height - 1), x] - fine[y, x]
                peak = abs(dy) >= abs(before) and abs(dy) > abs(after)
            if peak:
                ratio[count] = math.sqrt(here / strength)
                slope[count] = 0.5 * math.sqrt(strength)
                count += 1
    return ratio[:count], slope[:count]


def _reblurred(tiles: NDArray[np.float32]) -> tuple[float, float]:
    """Share of the neighbours' differences that remains under a box of 9 px, along rows and along columns."""
    shares = []
    for axis in (2, 1):
        kernel = (9, 1) if axis == 2 else (1, 9)
        lost = total = 0.0
        for tile in tiles[::2]:
            smooth = cv2.blur(tile, kernel, borderType=cv2.BORDER_REFLECT)
            before, after = _differences(tile, smooth, axis == 2)
            total += before
            lost += after
        shares.append(1.0 - lost / total if total > 0.0 else math.nan)
    return shares[0], shares[1]


@numba.njit(cache=True, nogil=True)
def _differences(tile: Luma, smooth: Luma, along_rows: bool) -> tuple[float, float]:
    """Sum of the neighbours' differences, and of how much of each a blur takes."""
    total = lost = 0.0
    down, right = (0, 1) if along_rows else (1, 0)
    for y in range(tile.shape[0] - down):
        for x in range(tile.shape[1] - right):
            before = abs(tile[y + down, x + right] - tile[y, x])
            after = abs(smooth[y + down, x + right] - smooth[y, x])
            total += before
            lost += max(0.0, before - after)
    return total, lost
