"""Drawing blurred line segments into a plane of opacity, hidden where the scene is nearer."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
#: One segment a row, float32 (n, 9): x0, y0, x1, y1 in pixels (centres at integers), half width, opacity in the middle,
#: 1/distance in 1/m, ripples along it, their phase in turns.
Segments = NDArray[np.float32]

#: Depth of the ripples in brightness that an oscillating drop leaves along its streak (Garg and Nayar 2006).
_RIPPLE = np.float32(0.35)
_WAVE = np.cos(2 * np.pi * np.arange(256) / 256).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _draw(
    plane: Plane,
    segments: Segments,
    nearness: Plane,
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    wave: Plane,
) -> None:
    height, width = plane.shape
    zero, one, half_one, two = np.float32(0.0), np.float32(1.0), np.float32(0.5), np.float32(2.0)
    nearest = nearness.max()
    for k in range(segments.shape[0]):
        x0, y0, x1, y1, half, opacity, near, ripples, phase = segments[k]
        dx, dy = x1 - x0, y1 - y0
        length = np.sqrt(dx * dx + dy * dy)
        if length > np.float32(1e-3):
            ux, uy = dx / length, dy / length
        else:
            ux, uy = zero, one
        reach = half * (abs(ux) + abs(uy))
        full = min(length, two * half)
        top, bottom = max(zero, np.ceil(min(y0, y1) - reach)), min(height - one, np.floor(max(y0, y1) + reach))
        left, right = max(zero, np.ceil(min(x0, x1) - reach)), min(width - one, np.floor(max(x0, x1) + reach))
        if not (top <= bottom and left <= right and full > zero):
            continue
        hideable = near <= nearest
        beat = np.float32(256.0) * ripples / length
        shift = np.float32(256.0) * (phase + ripples)  # so that the table's index is positive before the streak's start
        per_half, per_full = one / half, one / (two * half)
        steep = abs(uy) > np.float32(1e-3)
        lean, side = (ux / uy, half / abs(uy)) if steep else (zero, zero)
        for y in range(int(top), int(bottom) + 1):
            py = np.float32(y) - y0
            first, last = left, right
            if steep:
                middle = x0 + py * lean
                first, last = max(left, np.ceil(middle - side)), min(right, np.floor(middle + side))
            row = rows[y]
            for x in range(int(first), int(last) + 1):
                if hideable and nearness[row, columns[x]] >= near:
                    continue
                px = np.float32(x) - x0
                across = (px * uy - py * ux) * per_half
                profile = one - across * across
                along = px * ux + py * uy
                inside = min(min(along, length - along) + half, full)
                if profile <= zero or inside <= zero:
                    continue
                value = opacity * profile * profile * inside * per_full
                if ripples > half_one:
                    value *= one + _RIPPLE * wave[int(along * beat + shift) & 255]
                value = min(value, one)
                plane[y, x] += value * (one - plane[y, x])


def cells_of(size: int, small: int) -> NDArray[np.int32]:
    """Which of `small` rows or columns each of `size` falls in, int32 (size,)."""
    return (np.arange(size) * small // size).astype(np.int32)


def draw(plane: Plane, segments: Segments, nearness: Plane) -> None:
    """Adds the segments to `plane` (float32 (H, W), opacity in [0, 1]): o ← o + α(1 − o).

    Across, α falls as (1 − u²)² from the middle to the half width u = 1; along, it is the box of the segment blurred
    by a box of the full width. A pixel takes it only where 1/distance is above `nearness`, the scene's own (float32
    (h, w) of any size, in 1/m).
    """
    known = segments[np.isfinite(segments).all(axis=1)]
    rows, columns = (cells_of(size, small) for size, small in zip(plane.shape, nearness.shape, strict=True))
    _draw(plane, np.ascontiguousarray(known), nearness, rows, columns, _WAVE)
