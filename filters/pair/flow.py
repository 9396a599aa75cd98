"""Whether any part of a pair's content lies at another place."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from filters.pair.alignment import phase_weights
from filters.pair.cross_spectra import CrossSpectra, block_side, half_plane

#: Share of the whole picture's spectrum in each block's: where a block shows nothing, the picture's shift holds.
_PRIOR = 0.25
#: Farthest place of a block beside the picture's, share of its side.
_FARTHEST = 0.2
#: Share of the blocks that may lie farther: streaks and reflections fool some.
_FOOLED = 0.1


def flow(spectra: CrossSpectra | None) -> dict[str, float]:
    """pair.local_shift: length in pixels of the shift that a tenth of the blocks exceed. pair.warp: of what remains
    of their shifts when the median one is taken away; 0 for any translation.

    spectra: of `alignment.correlate`.

    Phase correlation of half-overlapping blocks, each with a part of its neighbours' and of the whole picture's
    spectrum, frequencies weighted as for the global shift; the place of the highest value within a fifth of a block is
    refined by a quadratic. NaN where nothing can be correlated.
    """
    if spectra is None:
        return {"pair.local_shift": math.nan, "pair.warp": math.nan}
    shifts = block_shifts(spectra)
    total = shifts + np.array(spectra.base)
    rest = shifts - np.median(shifts, axis=(0, 1))
    return {
        "pair.local_shift": spectra.scale * _exceeded(total),
        "pair.warp": spectra.scale * _exceeded(rest),
    }


def block_shifts(spectra: CrossSpectra) -> NDArray[np.float64]:
    """(dy, dx) of each block against `spectra.base`, pixels of the blocks, float64 (rows, columns, 2)."""
    side = block_side(spectra)
    whole = spectra.cross.mean(axis=(0, 1))
    mixed = _with_neighbours(spectra.cross) + np.float32(_PRIOR) * whole
    counts = np.maximum(half_plane(side), 1)
    weights = (phase_weights(spectra) / counts / (np.abs(whole) + 1e-20)).astype(np.float32)
    surfaces = np.fft.irfft2(mixed * weights, s=(side, side))
    reach = max(2, round(_FARTHEST * side))
    around = np.arange(-reach - 1, reach + 2)
    near = surfaces[:, :, around[:, None], around[None, :]]
    return _peaks(near, reach)


def _with_neighbours(cross: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Each block's spectrum averaged with its neighbours', weights (1, 2, 1)/4 down and across."""
    for axis in (0, 1):
        if cross.shape[axis] > 1:
            first, last = cross.take([0], axis), cross.take([-1], axis)
            padded = np.concatenate([first, cross, last], axis)
            count = cross.shape[axis]
            around = padded.take(range(count), axis) + padded.take(range(2, count + 2), axis)
            cross = around * np.float32(0.25) + cross * np.float32(0.5)
    return cross


def _peaks(surfaces: NDArray[np.floating], reach: int) -> NDArray[np.float64]:
    """Places of the highest values of (rows, columns, 2·reach + 3, 2·reach + 3), without the rim, from the middle."""
    rows, columns, size, _ = surfaces.shape
    inner = surfaces[:, :, 1:-1, 1:-1].reshape(rows, columns, -1)
    y, x = np.divmod(inner.argmax(axis=2), size - 2)
    i, j = np.ogrid[:rows, :columns]
    centre = surfaces[i, j, y + 1, x + 1]
    up, down = surfaces[i, j, y, x + 1], surfaces[i, j, y + 2, x + 1]
    left, right = surfaces[i, j, y + 1, x], surfaces[i, j, y + 1, x + 2]
    return np.stack([y - reach + _vertex(up, centre, down), x - reach + _vertex(left, centre, right)], axis=2)


def _vertex(before: NDArray[np.floating], centre: NDArray[np.floating], after: NDArray[np.floating]) -> NDArray:
    """Of the parabola through three values a step apart, from the middle one, within half a step."""
    curvature = before - 2 * centre + after
    safe = np.where(curvature < 0, curvature, -1.0)
    return np.where(curvature < 0, np.clip(0.5 * (before - after) / safe, -0.5, 0.5), 0.0)


def _exceeded(shifts: NDArray[np.float64]) -> float:
    return float(np.quantile(np.hypot(shifts[..., 0], shifts[..., 1]), 1 - _FOOLED))
