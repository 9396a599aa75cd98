"""Distance between the skeletons of a pair: the lines that its edges draw."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma

#: Pictures are reduced by a whole number to about this short side, pixels; below `_SMALLEST` no line is sought.
_SIDE, _SMALLEST = 512, 16
#: σ, pixels of the reduced picture, at which edges are sought; a blurred picture has none finer.
_SIGMA, _SIGMA_BLUR = 1.5, 3.0
#: Neighbourhood, pixels, whose mean slope is the unit of an edge: haze and darkness flatten edges, and keep them.
_NEIGHBOURHOOD = 65
#: Slopes of an edge and of what continues it, in that unit, and codes a pixel added to it.
_HIGH, _LOW, _FAINT = 2.5, 1.25, 0.5
#: Farthest partner of a skeleton's pixel, pixels of the reduced picture.
_REACH = 8.0
#: Degradations that draw lines of their own.
_DRAWING = frozenset({"rain", "flare", "reflection", "moire"})
#: Units of a slope in Canny's integers.
_STEPS = 256.0


def skeleton(degraded: Luma, clean: Luma, degradation: str) -> dict[str, float]:
    """pair.skeleton_shift: mean distance in pixels from a pixel of either skeleton to the other's nearest, of the
    nearer three quarters of those that have one within reach (8 pixels at a short side near 512).
    pair.skeleton_unmatched: share of those that have none, in [0, 1].

    The skeletons are Canny's (1986) edges, one pixel wide, of pictures smoothed and reduced, slopes in units of the
    neighbourhood's mean slope. A degradation that draws lines of its own (rain, flare, reflection, moiré) is judged by
    the clean picture's skeleton alone; all others by both. NaN where a skeleton that counts is empty.
    """
    scale = max(1, round(min(clean.shape) / _SIDE))
    sigma = _SIGMA_BLUR if degradation == "blur" else _SIGMA
    lines_d, lines_c = (_lines(grey, scale, sigma) for grey in (degraded, clean))
    if not (lines_d.any() and lines_c.any()):
        return {"pair.skeleton_shift": math.nan, "pair.skeleton_unmatched": math.nan}
    distances = [_distances(lines_c, lines_d)]
    if degradation not in _DRAWING:
        distances.append(_distances(lines_d, lines_c))
    near = [found[found <= _REACH] for found in distances]
    unmatched = float(np.mean([1 - len(close) / len(found) for close, found in zip(near, distances, strict=True)]))
    shift = math.nan
    if all(len(close) for close in near):
        shift = scale * float(np.mean([_nearer(close) for close in near]))
    return {"pair.skeleton_shift": shift, "pair.skeleton_unmatched": unmatched}


def _lines(grey: Luma, scale: int, sigma: float) -> NDArray[np.uint8]:
    """Skeleton of a picture, uint8 (H, W), 255 on a line."""
    if scale > 1:
        height, width = (side // scale for side in grey.shape)
        grey = cv2.resize(grey[: height * scale, : width * scale], (width, height), interpolation=cv2.INTER_AREA)
    if min(grey.shape) < _SMALLEST:
        return np.zeros(grey.shape, np.uint8)
    smooth = cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    right, down = (cv2.Sobel(smooth, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    slope = cv2.magnitude(right, down)
    unit = cv2.blur(slope, (_NEIGHBOURHOOD, _NEIGHBOURHOOD), borderType=cv2.BORDER_REFLECT) + np.float32(_FAINT)
    dx, dy = (cv2.divide(part, unit, scale=_STEPS, dtype=cv2.CV_16S) for part in (right, down))
    lines: NDArray[np.uint8] = cv2.Canny(dx, dy, _LOW * _STEPS, _HIGH * _STEPS, L2gradient=True)
    return lines


def _nearer(distances: NDArray[np.float32]) -> float:
    """Mean of the nearer three quarters: the others' partners are mostly lines that happen to pass."""
    count = max(1, len(distances) * 3 // 4)
    return float(np.partition(distances, count - 1)[:count].mean(dtype=np.float64))


def _distances(of: NDArray[np.uint8], to: NDArray[np.uint8]) -> NDArray[np.float32]:
    """From each pixel of one skeleton to the other's nearest, pixels."""
    field = cv2.distanceTransform(np.bitwise_not(to), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(field[of > 0], np.float32)
