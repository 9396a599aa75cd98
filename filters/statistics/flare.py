"""Statistics of flare: a clipped light, the glow and streaks around it, coloured ghosts on the way across."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma
from filters.statistics.planes import Planes, log_ratio

_RADII, _ANGLES = 48, 128


def flare(planes: Planes) -> dict[str, float]:
    """statistics.flare.*: of the picture at a long side of 192 px, around its brightest place (σ = 3 px).

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
    distance = _distance(grey.shape, y, x)
    profile, light = _profile(dark, distance), _profile(grey, distance)
    polar = _polar(grey, y, x, float(distance.max()))
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
        "statistics.flare.round": _explained(grey, distance, light),
        "statistics.flare.round_dark": _explained(dark, distance, profile),
        "statistics.flare.smooth": float(np.abs(np.diff(light, 2)).sum() / (np.ptp(light) + 0.02)),
        "statistics.flare.streaks": streaks,
        "statistics.flare.ray": ray,
        "statistics.flare.ghosts": ghosts,
        "statistics.flare.ghosts_line": line,
        "statistics.flare.warm": float(near[0] - near[2]),
        "statistics.flare.isolated": float(glow[y, x] - np.quantile(glow, 0.9)),
    }


def _distance(shape: tuple[int, ...], y: int, x: int) -> Luma:
    """Of every pixel from (y, x), over half the diagonal."""
    rows, columns = np.arange(shape[0])[:, None] - y, np.arange(shape[1])[None, :] - x
    return (np.hypot(rows, columns) / (0.5 * math.hypot(*shape))).astype(np.float32)


def _profile(plane: Luma, distance: Luma) -> NDArray[np.float64]:
    """Mean by distance, 10 rings of a tenth of half the diagonal; empty ones take the value before."""
    ring = np.minimum((distance * 10).astype(np.int64), 9).ravel()
    counts = np.bincount(ring, minlength=10)
    means = np.bincount(ring, plane.ravel(), 10) / np.maximum(counts, 1)
    for number in range(1, 10):
        if counts[number] == 0:
            means[number] = means[number - 1]
    return means


def _explained(plane: Luma, distance: Luma, profile: NDArray[np.float64]) -> float:
    ring = np.minimum((distance * 10).astype(np.int64), 9)
    total = float(plane.var(dtype=np.float64))
    return 1.0 - float(np.square(plane - profile[ring]).mean()) / total if total > 1e-9 else 0.0


def _polar(grey: Luma, y: int, x: int, reach: float) -> NDArray[np.float32]:
    """Luma by angle and distance up to a third of the way, (angles, radii)."""
    radius = max(4.0, reach * 0.25 * math.hypot(*grey.shape) / 2.0)
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
    highest = float(np.quantile(blobs, 0.995))
    if length < 4.0:
        return highest, 0.0
    rows, columns = np.arange(height)[:, None] - y, np.arange(width)[None, :] - x
    on = np.abs(rows * right - columns * down) / length < 0.04 * math.hypot(height, width)
    power = np.square(np.maximum(blobs, 0.0))
    off = float(power[~on].mean()) if not on.all() else 0.0
    return highest, log_ratio(float(power[on].mean()) + 1e-5, off + 1e-5)
