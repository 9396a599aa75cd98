"""Statistics of flare: a clipped light, the glow and streaks around it, coloured ghosts on the way across."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma
from filters.statistics.planes import Planes, levels, log_ratio

_RADII, _ANGLES = 48, 128


def flare(planes: Planes) -> dict[str, float]:
    """statistics.flare.*: of the picture at a long side of 160 px, around its brightest place (σ = 3 px).

    light: luma there; clipped: share of pixels at .98 or more. glow: how much higher the dark channel (window 5 px) is
    in the nearest tenth of the way than at the farthest; fall: minus its rank correlation with distance; wide: how
    much of the fall lies beyond a quarter of the way. round: share of the variance of luma around the place that its
    distance explains. streaks: log of the part of the scatter over angles that is the same at all distances, over the
    rest; ray: the strongest single angle over the median. ghosts: highest blob (difference of Gaussians of 2 and 5 px)
    of chroma, ghosts_line: on the line through the place and the middle of the picture, over those off it. warm: red
    less blue there.
    """
    grey = planes.grey
    glow = cv2.GaussianBlur(grey, (0, 0), 3.0, borderType=cv2.BORDER_REFLECT)
    y, x = (int(v) for v in np.unravel_index(int(np.argmax(glow)), glow.shape))
    dark = cv2.erode(planes.small.min(axis=2), np.ones((5, 5), np.uint8))
    (profile, round_dark), (light, roundness) = _profile(dark, y, x), _profile(grey, y, x)
    polar = _polar(grey, y, x)
    streaks, ray = _streaks(polar)
    ghosts, line = _ghosts(planes.small, y, x)
    near = planes.small[max(0, y - 8) : y + 9, max(0, x - 8) : x + 9].mean(axis=(0, 1), dtype=np.float64)
    steps = np.diff(profile)
    return {
        "statistics.flare.light": float(glow[y, x]),
        "statistics.flare.clipped": float((planes.small.min(axis=2) >= 0.98).mean()),
        "statistics.flare.glow": float(profile[0] - profile[-3:].mean()),
        "statistics.flare.glow_near": float(profile[:2].mean() - profile[2:5].mean()),
        "statistics.flare.fall": float((steps < 0).mean() - (steps > 0).mean()),
        "statistics.flare.wide": float(profile[2:5].mean() - profile[5:].mean()),
        "statistics.flare.round": roundness,
        "statistics.flare.round_dark": round_dark,
        "statistics.flare.smooth": float(np.abs(np.diff(light, 2)).sum() / (np.ptp(light) + 0.02)),
        "statistics.flare.streaks": streaks,
        "statistics.flare.ray": ray,
        "statistics.flare.ghosts": ghosts,
        "statistics.flare.ghosts_line": line,
        "statistics.flare.warm": float(near[0] - near[2]),
        "statistics.flare.isolated": float(glow[y, x]) - float(levels(glow, (0.9,))[0]),
    }


@numba.njit(cache=True, nogil=True)
def _profile(plane: Luma, y: int, x: int) -> tuple[NDArray[np.float64], float]:
    """Mean by distance from (y, x) in 10 rings of a tenth of half the diagonal, the last without end, and the share of
    the variance that they explain. Empty rings take the value before."""
    height, width = plane.shape
    counts, sums = np.zeros(10), np.zeros(10)
    squares = 0.0
    scale = 20.0 / math.sqrt(height * height + width * width)
    for row in range(height):
        for column in range(width):
            away = math.sqrt(float((row - y) * (row - y) + (column - x) * (column - x)))
            ring, value = min(9, int(scale * away)), float(plane[row, column])
            counts[ring] += 1.0
            sums[ring] += value
            squares += value * value
    means = sums.copy()
    between = 0.0
    for ring in range(10):
        means[ring] = sums[ring] / counts[ring] if counts[ring] else means[ring - 1]
        between += sums[ring] * means[ring] if counts[ring] else 0.0
    centre = sums.sum() ** 2 / plane.size
    total = squares - centre
    return means, (between - centre) / total if total > 1e-9 * plane.size else 0.0


def _polar(grey: Luma, y: int, x: int) -> NDArray[np.float32]:
    """Luma by angle and distance up to a quarter of the way to the farthest corner, (angles, radii)."""
    down, right = max(y, grey.shape[0] - 1 - y), max(x, grey.shape[1] - 1 - x)
    radius = max(4.0, 0.25 * math.hypot(down, right))
    polar: NDArray[np.float32] = cv2.warpPolar(
        grey, (_RADII, _ANGLES), (float(x), float(y)), radius, cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    )
    inside = cv2.warpPolar(
        np.ones_like(grey), (_RADII, _ANGLES), (float(x), float(y)), radius, cv2.INTER_NEAREST | cv2.WARP_FILL_OUTLIERS
    )
    return np.where(inside > 0.5, polar, np.float32(np.nan))


def _streaks(polar: NDArray[np.float32]) -> tuple[float, float]:
    """Log of the power of angular detail that all radii share over the rest, and strongest over median angle."""
    filled = np.where(np.isnan(polar), np.float32(0.0), polar)
    known = (~np.isnan(polar)).astype(np.float32)
    around = np.concatenate([filled[-8:], filled, filled[:8]])
    weight = np.concatenate([known[-8:], known, known[:8]])
    smooth = cv2.blur(around, (1, 11))[8:-8] / np.maximum(cv2.blur(weight, (1, 11))[8:-8], 1e-3)
    detail = ((filled - smooth) * known)[:, 6:]
    count = known[:, 6:].sum(axis=1)
    whole = count >= 0.6 * detail.shape[1]
    if whole.sum() < 16:
        return 0.0, 0.0
    shared = detail[whole].sum(axis=1, dtype=np.float64) / count[whole]
    rest = float(np.square(detail[whole]).sum(dtype=np.float64) / count[whole].sum())
    return log_ratio(float(np.square(shared).mean()), rest), float(shared.max())


def _ghosts(small: NDArray[np.float32], y: int, x: int) -> tuple[float, float]:
    mean = small.mean(axis=2)
    chroma = np.sqrt(np.square(small - mean[..., None]).sum(axis=2))
    blobs = cv2.GaussianBlur(chroma, (0, 0), 2.0) - cv2.GaussianBlur(chroma, (0, 0), 5.0)
    height, width = mean.shape
    down, right = (height - 1) / 2 - y, (width - 1) / 2 - x
    length = math.hypot(down, right)
    highest = float(levels(blobs, (0.995,))[0])
    if length < 4.0:
        return highest, 0.0
    on, off = _line_powers(blobs, y, x, down / length, right / length, 0.04 * math.hypot(height, width))
    return highest, log_ratio(on + 1e-5, off + 1e-5)


@numba.njit(cache=True, nogil=True)
def _line_powers(blobs: Luma, y: int, x: int, down: float, right: float, reach: float) -> tuple[float, float]:
    """Mean power of blobs within `reach` of the line through (y, x) along (down, right), and beyond."""
    sums, counts = np.zeros(2), np.zeros(2)
    for row in range(blobs.shape[0]):
        for column in range(blobs.shape[1]):
            where = 0 if abs((row - y) * right - (column - x) * down) < reach else 1
            value = max(float(blobs[row, column]), 0.0)
            sums[where] += value * value
            counts[where] += 1.0
    return sums[0] / max(1.0, counts[0]), sums[1] / max(1.0, counts[1])
