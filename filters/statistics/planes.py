"""What the statistics of all degradations look at, made of a picture once."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma

#: Side of a tile at the picture's own size.
TILE = 160
#: Tiles begin at multiples of this, so that a grid of blocks has one phase in all of them.
_GRID = 16
#: Long side of the shrunk picture.
SMALL = 160
#: Rings and sectors into which spectra are summed; rings are equal steps of log frequency.
RINGS, SECTORS = 10, 8
_LOWEST = 0.015


@dataclass(frozen=True)
class Planes:
    """Parts of one picture.

    pixels: the picture, uint8 (H, W, 3), sRGB. codes: up to 5 tiles of it at its own size, corners and middle,
    uint8 (n, h, w, 3), sides at most 160; luma: their BT.601 luma, float32 (n, h, w) in codes; chroma: their Cb and
    Cr, float32 (2, n, h, w) around 0. power: power spectrum of luma under a Hann window, float32 (n, h, w // 2 + 1).
    rings: mean `power` by log frequency and direction, float64 (n, 10, 8). variance: of luma, float64 (n,).
    small: the picture shrunk by area averaging to a long side of at most 160, float32 (H', W', 3) in [0, 1]; grey: its
    luma in [0, 1].
    """

    pixels: NDArray[np.uint8]
    codes: NDArray[np.uint8]
    luma: NDArray[np.float32]
    chroma: NDArray[np.float32]
    power: NDArray[np.float32]
    rings: NDArray[np.float64]
    variance: NDArray[np.float64]
    small: NDArray[np.float32]
    grey: Luma


def planes(pixels: NDArray[np.uint8]) -> Planes:
    """The parts of `pixels`, uint8 (H, W, 3), sRGB, of any size."""
    height, width = pixels.shape[:2]
    codes = np.stack(
        [
            pixels[top : top + min(TILE, height), left : left + min(TILE, width)]
            for top, left in _places_of_tiles(height, width)
        ]
    )
    luma = np.empty(codes.shape[:3], np.float32)
    chroma = np.empty((2, *codes.shape[:3]), np.float32)
    _opponents(codes.reshape(-1, 3), luma.reshape(-1), chroma.reshape(2, -1))
    power = spectrum(luma)
    factor = min(1.0, SMALL / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    shrunk = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    small = shrunk.astype(np.float32) / np.float32(255.0)
    grey: Luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    variance = np.array([cv2.meanStdDev(tile)[1][0, 0] ** 2 for tile in luma])
    return Planes(pixels, codes, luma, chroma, power, _rings(power, codes.shape[2]), variance, small, grey)


def _places_of_tiles(height: int, width: int) -> list[tuple[int, int]]:
    """Top and left of each tile."""
    tops, lefts = ([0] if side <= TILE else [0, (side - TILE) // _GRID * _GRID] for side in (height, width))
    places = [(top, left) for top in tops for left in lefts]
    middle = tuple(max(0, side - TILE) // 2 // _GRID * _GRID for side in (height, width))
    return places if len(places) < 4 else [*places[:2], (middle[0], middle[1]), *places[2:]]


def spectrum(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power spectrum of each plane of (n, h, w), less its mean and under a Hann window: float32 (n, h, w // 2 + 1)."""
    _, height, width = planes.shape
    window = _hann(height)[:, None] * _hann(width)[None, :]
    power = np.empty((len(planes), height, width // 2 + 1), np.float32)
    for plane, out in zip(planes, power, strict=True):
        tapered = (plane - np.float32(cv2.mean(plane)[0])) * window
        _squared(cv2.dft(tapered, flags=cv2.DFT_COMPLEX_OUTPUT), out)
    return power


@numba.njit(cache=True, nogil=True)
def _squared(transform: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = transform[y, x, 0] * transform[y, x, 0] + transform[y, x, 1] * transform[y, x, 1]


@numba.njit(cache=True, nogil=True)
def _opponents(codes: NDArray[np.uint8], luma: NDArray[np.float32], chroma: NDArray[np.float32]) -> None:
    for i in range(codes.shape[0]):
        red, green, blue = np.float32(codes[i, 0]), np.float32(codes[i, 1]), np.float32(codes[i, 2])
        y = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
        luma[i] = y
        chroma[0, i] = np.float32(0.564) * (blue - y)
        chroma[1, i] = np.float32(0.713) * (red - y)


@functools.lru_cache(maxsize=64)
def _hann(count: int) -> NDArray[np.float32]:
    return np.square(np.sin(np.pi * (np.arange(count) + 0.5) / count)).astype(np.float32)


@functools.lru_cache(maxsize=64)
def frequencies(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Radius, in cycles a pixel, and angle in [0, π) of the bins of a spectrum of `width` columns, both (h, w/2+1)."""
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    return np.hypot(fy, fx), np.arctan2(fy, fx) % np.pi


@functools.lru_cache(maxsize=64)
def _places(height: int, width: int) -> NDArray[np.int64]:
    radius, angle = frequencies(height, width)
    ring = np.floor(RINGS * np.log(np.maximum(radius, 1e-9) / _LOWEST) / math.log(0.5 / _LOWEST)).astype(int)
    sector = np.minimum((angle / np.pi * SECTORS).astype(int), SECTORS - 1)
    inside = (ring >= 0) & (ring < RINGS)
    return np.where(inside, ring * SECTORS + sector, RINGS * SECTORS).ravel()


def _rings(power: NDArray[np.float32], width: int) -> NDArray[np.float64]:
    """Mean power of each ring and sector; NaN where a tile is so small that none falls there."""
    places = _places(power.shape[1], width)
    bins = RINGS * SECTORS
    counts = np.bincount(places, minlength=bins + 1)[:bins]
    sums = np.stack([np.bincount(places, tile.ravel(), bins + 1)[:bins] for tile in power])
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means.reshape(-1, RINGS, SECTORS)


def median(values: NDArray[np.floating]) -> float:
    """Median of what is finite; NaN where nothing is."""
    return quantile(values, 0.5)


@numba.njit(cache=True, nogil=True)
def middle(values: NDArray[np.float32]) -> float:
    """Median of values that are not negative, to a 64th and at most 64; NaN of none. A count, where sorting is slow."""
    counts = np.zeros(4097, np.int64)
    for value in values.flat:
        counts[min(4096, int(value * np.float32(64.0)))] += 1
    below, half = 0, values.size / 2
    for place in range(counts.size):
        if counts[place] and below + counts[place] >= half:
            return (place + (half - below) / counts[place]) / 64.0
        below += counts[place]
    return math.nan


@numba.njit(cache=True, nogil=True)
def levels(plane: Luma, shares: tuple[float, ...]) -> NDArray[np.float64]:
    """Quantiles of a plane in [0, 1], to a 512th: a count, where sorting is slow. What lies beyond counts as 0 or 1."""
    counts = np.zeros(512, np.int64)
    for value in plane.flat:
        counts[min(511, max(0, int(value * np.float32(512.0))))] += 1
    out = np.empty(len(shares))
    for number in range(len(shares)):
        below, wanted = 0, shares[number] * plane.size
        place = 0
        while below + counts[place] < wanted and place < 511:
            below += counts[place]
            place += 1
        out[number] = (place + (wanted - below) / max(1, counts[place])) / 512.0
    return out


def quantile(values: NDArray[np.floating], share: float) -> float:
    """Quantile of what is finite; NaN where nothing is."""
    finite = np.sort(values[np.isfinite(values)].astype(np.float64))
    if finite.size == 0:
        return math.nan
    place = share * (finite.size - 1)
    low = min(int(place), finite.size - 1)
    high = min(low + 1, finite.size - 1)
    return float(finite[low] + (place - low) * (finite[high] - finite[low]))


def log_ratio(a: float, b: float) -> float:
    """Natural logarithm of a / b, both not negative, kept finite: 0 where both vanish."""
    return math.log((a + 1e-6) / (b + 1e-6))
