"""A mark laid over the picture again and again, whatever it shows: a lattice in the autocorrelation."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

#: The picture is reduced by a whole number to about this long side; below the second a side nothing is measured.
_LONG_SIDE, _SMALLEST = 340, 64
#: Side of the mean taken away, in pixels; the most a pixel may differ from it, in codes; side over which contrast is
#: levelled, and the contrast, in codes, below which it is not raised.
_MEAN, _MOST, _LEVELLED, _FAINT = 9, 20.0, 25, 1.5
#: Shortest period of a lattice, as a part of the long side. Longest lag looked at, as a part of each side.
_SHORTEST, _LONGEST = 0.06, 0.6
#: Side of the surroundings over which a peak must rise, in lags.
_SURROUNDINGS = 15
#: Peaks of which pairs may span a lattice; sine of the smallest angle between the two.
_PEAKS, _SKEWED = 10, 0.34
#: Mean, in standard deviations, of the highest of 3 × 3 values of noise.
_LUCK = 1.0
#: Most that a peak at a shorter lag may exceed the lattice's median point.
_FINEST = 2.0
#: Points of a lattice at least, its two basis vectors not counted.
_FEWEST = 2


class Lattice(NamedTuple):
    """first, second: basis vectors (rows, columns) in parts of the picture's height and width. strength: of the
    points that the basis did not choose, the lower quartile in standard deviations, times √(how many)."""

    first: tuple[float, float]
    second: tuple[float, float]
    strength: float


def find_lattice(pixels: NDArray[np.uint8]) -> Lattice | None:
    """The lattice on which a mark repeats in uint8 (H, W, 3) sRGB; None where no two peaks span one.

    The picture's detail (its local mean taken away, its contrast levelled) is correlated with itself, and pairs of the
    highest peaks are tried as a basis. The pair itself proves nothing, for any picture has highest peaks; the other
    points of its lattice do. Rows of windows repeat in one direction or fade with distance, because they are seen in
    perspective and end somewhere; a mark laid over the whole picture correlates alike at all points, so that the lower
    quartile tells the two apart. Pictures whose detail repeats at less than 6% of the long side (screens, weaves, nets)
    repeat at all multiples of that too, and count as scenes.
    """
    detail = _detail(pixels)
    if detail is None:
        return None
    raised = _raised(_autocorrelation(detail))
    rows, columns = raised.shape[0] - 1, raised.shape[1] // 2
    y = np.arange(rows + 1, dtype=np.float32)[:, None]
    x = np.arange(-columns, columns + 1, dtype=np.float32)[None, :]
    distance = y * y + x * x
    distance[0, : columns + 1] = 0.0
    shortest = np.float32(_SHORTEST * max(detail.shape)) ** 2
    far = distance >= shortest
    spread = float(np.median(np.abs(raised[::2, ::2][far[::2, ::2]]))) / 0.6745
    if spread <= 1e-6:
        return None
    highest = cv2.dilate(raised, np.ones((3, 3), np.uint8))
    is_peak = raised == highest
    near = is_peak & ~far & (distance > np.float32(_MEAN**2))
    finest = float(raised[near].max(initial=0.0)) / spread
    scores = highest / np.float32(spread)
    peaks = _highest_peaks(raised, far & is_peak)
    best: Lattice | None = None
    for number, u in enumerate(peaks):
        for v in peaks[:number]:
            found, median = _judge(scores, *u, *v)
            if finest > _FINEST * median:
                continue
            if found > (best.strength if best else 0.0):
                height, width = detail.shape
                best = Lattice((u[0] / height, u[1] / width), (v[0] / height, v[1] / width), found)
    return best


def _detail(pixels: NDArray[np.uint8]) -> Plane | None:
    """Luma less its local mean, over its local spread; float32, reduced. None for pictures too small to reduce."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    factor = max(1, round(max(grey.shape) / _LONG_SIDE))
    height, width = (side // factor for side in grey.shape)
    if min(height, width) < _SMALLEST:
        return None
    small = cv2.resize(grey[: height * factor, : width * factor], (width, height), interpolation=cv2.INTER_AREA)
    plane = small.astype(np.float32)
    plane = np.clip(plane - cv2.blur(plane, (_MEAN, _MEAN)), -_MOST, _MOST)
    spread = np.sqrt(np.maximum(cv2.blur(plane * plane, (_LEVELLED, _LEVELLED)), 0.0))
    levelled: Plane = plane / (spread + np.float32(_FAINT))
    return levelled


def _autocorrelation(detail: Plane) -> Plane:
    """Correlation of `detail` with itself, 1 at lag 0, up to lags of `_LONGEST` of each side.

    Columns from −longest to longest; rows from 0 to longest, with a margin of negative ones before them.
    """
    height, width = detail.shape
    rows, columns = int(_LONGEST * height), int(_LONGEST * width)
    padded = np.zeros((cv2.getOptimalDFTSize(height + rows), cv2.getOptimalDFTSize(width + columns)), np.float32)
    padded[:height, :width] = detail
    spectrum = cv2.dft(padded, nonzeroRows=height)
    power = cv2.mulSpectrums(spectrum, spectrum, 0, conjB=True)
    around = cv2.idft(power, flags=cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT)
    margin = _SURROUNDINGS // 2
    upper = np.concatenate((around[-margin:, -columns:], around[-margin:, : columns + 1]), axis=1)
    lower = np.concatenate((around[: rows + 1, -columns:], around[: rows + 1, : columns + 1]), axis=1)
    surface = np.concatenate((upper, lower), axis=0)
    energy = np.float32(max(float(around[0, 0]), 1e-6) / (height * width))
    overlap_y = np.float32(height) - np.abs(np.arange(-margin, rows + 1, dtype=np.float32))
    overlap_x = np.float32(width) - np.abs(np.arange(-columns, columns + 1, dtype=np.float32))
    surface /= overlap_y[:, None] * energy
    surface /= overlap_x[None, :]
    return surface


def _raised(surface: Plane) -> Plane:
    """What of an autocorrelation rises over its surroundings, for lags of no row less than 0."""
    margin = _SURROUNDINGS // 2
    return np.asarray((surface - cv2.blur(surface, (_SURROUNDINGS, _SURROUNDINGS)))[margin:])


def _highest_peaks(raised: Plane, allowed: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Lags (rows, columns) of the highest values, highest first."""
    places = np.flatnonzero(allowed)
    values = raised.ravel()[places]
    order = np.argsort(-values, kind="stable")[:_PEAKS]
    columns = raised.shape[1] // 2
    return [(int(place) // raised.shape[1], int(place) % raised.shape[1] - columns) for place in places[order]]


@numba.njit(cache=True, nogil=True)
def _judge(scores: Plane, u0: int, u1: int, v0: int, v1: int) -> tuple[float, float]:
    """(strength, median) of the lattice of u and v; (−1, 0) where they span none with enough points."""
    rows, columns = scores.shape[0] - 1, scores.shape[1] // 2
    area = abs(u0 * v1 - u1 * v0)
    long_u, long_v = math.hypot(u0, u1), math.hypot(v0, v1)
    if area < _SKEWED * long_u * long_v:
        return -1.0, 0.0
    reach = 1 + int(math.hypot(rows, columns) * max(long_u, long_v) / area)
    points = np.empty((reach + 1) * (2 * reach + 1), dtype=np.float32)
    count = 0
    for i in range(reach + 1):
        for j in range(1 if i == 0 else -reach, reach + 1):
            if (i == 1 and j == 0) or (i == 0 and j == 1):
                continue
            row, column = i * u0 + j * v0, i * u1 + j * v1
            if row < 0:
                row, column = -row, -column
            if row <= rows and abs(column) <= columns:
                points[count] = scores[row, columns + column]
                count += 1
    if count < _FEWEST:
        return -1.0, 0.0
    points = np.sort(points[:count])
    return (points[(count - 1) // 4] - _LUCK) * math.sqrt(count), points[count // 2]
