"""How strong the fringes are that were laid over the clean picture."""

from __future__ import annotations

import functools
import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

#: Long side to which the pair is shrunk, lowest frequency in cycles a pixel, rings of equal log width, and how far
#: above the mean of its ring's other bins a bin is part of a narrow band.
_SIDE = 384
_LOWEST, _RINGS = 0.015, 8
_NARROW = 4.0


def fringes(degraded: NDArray[np.uint8], clean: NDArray[np.uint8]) -> dict[str, float]:
    """pair.fringe_sigma: standard deviation of what narrow frequency bands hold of degraded − clean, in 8-bit codes,
    over the three sRGB channels, at a long side of at most 384 pixels under a Hann window.

    A bin belongs to a narrow band when its power is more than 4 times the mean of the bins of its ring of frequency
    that are not; the excess counts. Noise, veils and lost detail fill their rings evenly, periodic fringes do not.
    0 for equal pictures; NaN where no side has 4 pixels.
    """
    height, width = clean.shape[:2]
    factor = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if max(size) < 4:
        return {"pair.fringe_sigma": math.nan}
    small = [_shrunk(picture, size) for picture in (degraded, clean)]
    difference = small[0].astype(np.float32) - small[1]
    window, rings = _window(size[1], size[0]), _ring(size[1], size[0])
    total = 0.0
    for channel in cv2.split(difference):
        tapered = (channel - np.float32(cv2.mean(channel)[0])) * window
        total += _excess(cv2.dft(tapered, flags=cv2.DFT_COMPLEX_OUTPUT), rings)
    return {"pair.fringe_sigma": math.sqrt(total / 3.0) / (size[0] * size[1])}


def _shrunk(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """`picture` at `size` (width, height) by area averaging, halved first where that is far: halving is cheap."""
    while min(picture.shape[1] / size[0], picture.shape[0] / size[1]) >= 2.0:
        half = (picture.shape[1] // 2, picture.shape[0] // 2)
        picture = np.asarray(cv2.resize(picture, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@functools.lru_cache(maxsize=32)
def _window(height: int, width: int) -> NDArray[np.float32]:
    """Hann window of mean square 1."""
    sides = [np.sin(np.pi * (np.arange(count) + 0.5) / count) ** 2 for count in (height, width)]
    window = np.outer(*sides)
    return (window / math.sqrt(np.square(window).mean())).astype(np.float32)


@functools.lru_cache(maxsize=32)
def _ring(height: int, width: int) -> NDArray[np.int64]:
    """Ring of each bin, -1 below the lowest frequency."""
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    edges = np.geomspace(_LOWEST, 0.71, _RINGS + 1)
    return np.minimum(np.searchsorted(edges, radius, side="right") - 1, _RINGS - 1)


@numba.njit(cache=True, nogil=True)
def _excess(transform: NDArray[np.float32], rings: NDArray[np.int64]) -> float:
    """Power above `_NARROW` times the ring's mean; the mean is taken again without what lies above that.

    Bins left of the middle stand for their mirror images too.
    """
    height, width = rings.shape
    half = width // 2 + 1
    power = np.empty((height, half), np.float32)
    for y in range(height):
        for x in range(half):
            power[y, x] = transform[y, x, 0] * transform[y, x, 0] + transform[y, x, 1] * transform[y, x, 1]
    means = np.full(_RINGS, np.inf)
    for _ in range(3):
        sums, counts = np.zeros(_RINGS), np.zeros(_RINGS)
        for y in range(height):
            for x in range(half):
                ring = rings[y, x]
                if ring >= 0 and power[y, x] <= _NARROW * means[ring]:
                    weight = 1.0 if x == 0 or 2 * x == width else 2.0
                    sums[ring] += weight * power[y, x]
                    counts[ring] += weight
        for ring in range(_RINGS):
            if counts[ring] > 0.0:
                means[ring] = sums[ring] / counts[ring]
    total = 0.0
    for y in range(height):
        for x in range(half):
            ring = rings[y, x]
            if ring >= 0 and power[y, x] > _NARROW * means[ring]:
                total += (1.0 if x == 0 or 2 * x == width else 2.0) * (power[y, x] - _NARROW * means[ring])
    return total
