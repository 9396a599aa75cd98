"""How sharp the sharpest edges of the picture are."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma

_ORIENTATIONS = 4
#: An edge counts from this slope on, in codes a pixel at σ = 2 px, and from this part of the steepest edges' slope.
_SLOPE_FLOOR = 2.0
_SLOPE_SHARE = 0.4
#: Edges below which a picture, or an orientation (beside 2% of all edges), says nothing.
_FEWEST_EDGES = 32
_FEWEST_IN_ORIENTATION = 24
#: Pixels from which on every second row has edges enough.
_LARGE = 500_000


def sharpness(grey: Luma) -> dict[str, float]:
    """source.sharpness in [0, 1]: how steep the sharpest edges are, whatever their contrast.

    An edge of Gaussian profile with spread s, smoothed by σ₁ = 1 px and by σ₂ = 2 px and differentiated by central
    differences (which add a third of a px² to its variance), has peak slopes of ratio R = √((s² + 13/3)/(s² + 4/3))
    (after Zhuo and Sim 2011, defocus map estimation). The score of an edge is √((R² − 1)/3) = 1/√(s² + 4/3): 0.87
    for a step, 0.65 for s = 1 px, 0.43 for 2, 0.31 for 3; sharpened edges reach 1. Of the picture's strong edges the
    sharpest twentieth is read in each of four orientations, and the worst orientation counts: a picture with a soft
    background passes, one smeared in a single direction does not. NaN when there are no edges to measure.
    """
    if min(grey.shape) < 3:
        return {"source.sharpness": math.nan}
    fine = cv2.GaussianBlur(grey, (7, 7), 1.0)
    coarse = cv2.GaussianBlur(grey, (13, 13), 2.0)
    ratio, slope, orientation = _edges(fine, coarse, np.float32(_SLOPE_FLOOR), 2 if grey.size > _LARGE else 1)
    if ratio.size < _FEWEST_EDGES:
        return {"source.sharpness": math.nan}
    strong = slope > _SLOPE_SHARE * np.quantile(slope, 0.99)
    scores = np.sqrt(np.clip((ratio[strong] ** 2 - 1.0) / 3.0, 0.0, 1.0))
    orientation = orientation[strong]
    fewest = max(_FEWEST_IN_ORIENTATION, 0.02 * scores.size)
    groups = (scores[orientation == number] for number in range(_ORIENTATIONS))
    sharpest = [float(np.quantile(group, 0.95)) for group in groups if group.size >= fewest]
    return {"source.sharpness": min(sharpest, default=math.nan)}


@numba.njit(cache=True, nogil=True)
def _edges(
    fine: Luma, coarse: Luma, floor: np.float32, rows: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
    """Slope ratio fine/coarse, coarse slope and orientation bin of every edge pixel.

    An edge pixel is a maximum of the fine slope along the axis nearer to its gradient, with a coarse slope above
    `floor`; every `rows`-th row is searched.
    """
    height, width = fine.shape
    slopes = np.zeros((height, width), dtype=np.float32)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            dx = fine[y, x + 1] - fine[y, x - 1]
            dy = fine[y + 1, x] - fine[y - 1, x]
            slopes[y, x] = dx * dx + dy * dy
    is_edge = np.zeros((height, width), dtype=np.uint8)
    count = 0
    for y in range(1, height - 1, rows):
        for x in range(1, width - 1):
            slope = slopes[y, x]
            dx = abs(fine[y, x + 1] - fine[y, x - 1])
            dy = abs(fine[y + 1, x] - fine[y - 1, x])
            if dx > dy:
                peak = slope >= slopes[y, x - 1] and slope > slopes[y, x + 1]
            else:
                peak = slope >= slopes[y - 1, x] and slope > slopes[y + 1, x]
            if peak:
                cx = coarse[y, x + 1] - coarse[y, x - 1]
                cy = coarse[y + 1, x] - coarse[y - 1, x]
                if cx * cx + cy * cy > 4.0 * floor * floor:
                    is_edge[y, x] = 1
                    count += 1
    ratio = np.empty(count, dtype=np.float32)
    slope_out = np.empty(count, dtype=np.float32)
    orientation = np.empty(count, dtype=np.uint8)
    number = 0
    for y in range(1, height - 1, rows):
        for x in range(1, width - 1):
            if is_edge[y, x]:
                cx = coarse[y, x + 1] - coarse[y, x - 1]
                cy = coarse[y + 1, x] - coarse[y - 1, x]
                coarse_slope = math.sqrt(cx * cx + cy * cy)
                ratio[number] = math.sqrt(slopes[y, x]) / coarse_slope
                slope_out[number] = 0.5 * coarse_slope
                angle = math.atan2(fine[y + 1, x] - fine[y - 1, x], fine[y, x + 1] - fine[y, x - 1])
                orientation[number] = math.floor(angle / math.pi * 4.0 + 0.5) % 4
                number += 1
    return ratio, slope_out, orientation
