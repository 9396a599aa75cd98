"""Statistics of moiré: narrow peaks in the spectrum of the colours that the luma does not have."""

from __future__ import annotations

import functools
import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from filters.statistics.planes import Planes, frequencies, log_ratio, median, quantile, spectrum

#: Lowest frequency at which fringes are looked for, cycles a pixel, and rings of equal log width above it.
_LOWEST, _RINGS = 0.03, 6
_FEWEST_BINS = 12


def moire(planes: Planes) -> dict[str, float]:
    """statistics.moire.*: numbers that rise with coloured fringes, of R − G and (R + G)/2 − B.

    peak, peak_high: log of the highest over the mean power in rings of frequency, above .03 cycles a pixel, of the
    tiles halved; the larger of both colours and all rings, median and maximum over tiles. shared: the same of the mean
    spectrum of all tiles; whole: of the picture at a long side of 160 px. luma, whole_luma: peak and whole of luma.
    narrow: share of the power of the tiles' strongest hundredth of bins. chroma: log of the colours' over the luma's
    power above .03 cycles a pixel; chroma_fine: above .15. apart, apart_small: 1 − the squared correlation of colours
    and luma in that band, of tiles and picture. flat: log of the colours' power in the tile with least luma.
    """
    tiles = _opponents(planes)
    spectra = [spectrum(plane) for plane in tiles]
    light, red, blue = spectra
    width = tiles[0].shape[2]
    peaks = np.maximum(_peaks(red, width), _peaks(blue, width))
    shared = max(float(_peaks(plane.mean(axis=0, keepdims=True), width)[0]) for plane in (red, blue))
    small = _whole(planes.small)
    whole = [_peaks(spectrum(plane[None]), plane.shape[1])[0] for plane in small]
    colour = red + blue
    ratios = [_ratio(colour, light, width, lowest) for lowest in (_LOWEST, 0.15)]
    return {
        "statistics.moire.peak": median(peaks),
        "statistics.moire.peak_high": quantile(peaks, 1.0),
        "statistics.moire.shared": shared,
        "statistics.moire.whole": quantile(np.array(whole[1:]), 1.0),
        "statistics.moire.whole_luma": float(whole[0]),
        "statistics.moire.narrow": _narrow(colour, width),
        "statistics.moire.chroma": ratios[0],
        "statistics.moire.chroma_fine": ratios[1],
        "statistics.moire.luma": median(_peaks(light, width)),
        "statistics.moire.apart": _apart(tiles),
        "statistics.moire.apart_small": _apart([plane[None] for plane in small]),
        "statistics.moire.flat": _flat(colour, light, width),
    }


def _opponents(planes: Planes) -> list[NDArray[np.float32]]:
    """Luma, R − G and (R + G)/2 − B of the tiles at half size."""
    count, height, width = planes.codes.shape[:3]
    size = (max(1, width // 2), max(1, height // 2))
    halves = [cv2.resize(tile, size, interpolation=cv2.INTER_AREA) for tile in planes.codes]
    stack = np.stack(halves).reshape(count, size[1], size[0], 3).astype(np.float32)
    return _split(stack)


def _split(rgb: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    both = np.float32(0.5) * (red + green)
    return [both, red - green, both - blue]


def _whole(small: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return _split(small * np.float32(255.0))


def _peaks(power: NDArray[np.float32], width: int) -> NDArray[np.float64]:
    """Log of the highest power within a ring over the mean of its others, the largest over rings, of each plane."""
    return _crests(power, _places(power.shape[1], width))


@functools.lru_cache(maxsize=64)
def _places(height: int, width: int) -> NDArray[np.int64]:
    """Number of the ring of each bin, _RINGS where it is in none with bins enough."""
    radius, _ = frequencies(height, width)
    edges = np.geomspace(_LOWEST, 0.5, _RINGS + 1)
    rings = np.searchsorted(edges, radius, side="right") - 1
    rings = np.where((rings < 0) | (rings >= _RINGS), _RINGS, rings)
    few = np.flatnonzero(np.bincount(rings.ravel(), minlength=_RINGS + 1)[:_RINGS] < _FEWEST_BINS)
    return np.where(np.isin(rings, few), _RINGS, rings)


@numba.njit(cache=True, nogil=True)
def _crests(power: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
    out = np.full(power.shape[0], np.nan)
    for plane in range(power.shape[0]):
        sums, highest, counts = np.zeros(_RINGS + 1), np.zeros(_RINGS + 1), np.zeros(_RINGS + 1)
        for y in range(places.shape[0]):
            for x in range(places.shape[1]):
                ring, value = places[y, x], power[plane, y, x]
                sums[ring] += value
                counts[ring] += 1.0
                highest[ring] = max(highest[ring], value)
        for ring in range(_RINGS):
            if counts[ring] > 1.0:
                rest = (sums[ring] - highest[ring]) / (counts[ring] - 1.0) + places.size
                crest = math.log(highest[ring] / rest + 1.0)
                if not out[plane] >= crest:
                    out[plane] = crest
    return out


def _narrow(power: NDArray[np.float32], width: int) -> float:
    radius, _ = frequencies(power.shape[1], width)
    inside = power[:, radius > _LOWEST]
    count = inside.shape[1] // 100
    if count == 0:
        return math.nan
    strongest = np.partition(inside, -count, axis=1)[:, -count:].sum(axis=1, dtype=np.float64)
    return median(strongest / (inside.sum(axis=1, dtype=np.float64) + 1.0))


def _ratio(colour: NDArray[np.float32], light: NDArray[np.float32], width: int, lowest: float) -> float:
    radius, _ = frequencies(light.shape[1], width)
    inside = radius > lowest
    if not inside.any():
        return math.nan
    floor = 0.01 * radius.size**2
    return log_ratio(
        float(colour[:, inside].sum(dtype=np.float64)) + floor, float(light[:, inside].sum(dtype=np.float64)) + floor
    )


def _flat(colour: NDArray[np.float32], light: NDArray[np.float32], width: int) -> float:
    radius, _ = frequencies(light.shape[1], width)
    inside = radius > _LOWEST
    if not inside.any():
        return math.nan
    sums = [plane[:, inside].sum(axis=1, dtype=np.float64) for plane in (colour, light)]
    return math.log(float(sums[0][int(np.argmin(sums[1]))]) / radius.size**2 + 1e-3)


def _apart(tiles: list[NDArray[np.float32]]) -> float:
    """How little of the colours' band-pass the luma's explains."""
    bands = [np.stack([_band(tile) for tile in plane]) for plane in tiles]
    light = float(np.square(bands[0]).sum(dtype=np.float64)) + 1.0
    least = 1.0
    for colour in bands[1:]:
        power = float(np.square(colour).sum(dtype=np.float64)) + 1.0
        product = float((colour * bands[0]).sum(dtype=np.float64))
        least = min(least, 1.0 - product * product / (power * light))
    return least


def _band(tile: NDArray[np.float32]) -> NDArray[np.float32]:
    fine = cv2.GaussianBlur(tile, (5, 5), 0.8, borderType=cv2.BORDER_REFLECT)
    band: NDArray[np.float32] = fine - cv2.blur(tile, (11, 11), borderType=cv2.BORDER_REFLECT)
    return band
