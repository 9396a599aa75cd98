"""Statistics of compression: grids of blocks, quantised coefficients, ringing, blocky chroma."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from filters.statistics.planes import Planes, log_ratio, quantile

_BLOCK = 8
#: Histograms of coefficients hold -_RANGE to _RANGE.
_RANGE = 48
#: Coefficients whose histograms are looked at: the lowest five.
_LOW = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
_COSINES = np.array(
    [
        [math.sqrt((1 if u == 0 else 2) / _BLOCK) * math.cos((2 * x + 1) * u * math.pi / 16) for x in range(_BLOCK)]
        for u in range(_BLOCK)
    ],
    dtype=np.float32,
)


def compression(planes: Planes) -> dict[str, float]:
    """statistics.compression.*: numbers that rise with compression.

    blocking: how much larger the steps between columns and rows are at the best of the eight phases of a grid than at
    the median phase, relative to it (after Wang et al. 2000); blocking_other: at the second best. grid: the highest
    peak of the step profiles' spectrum between periods of 3 and 24 px over the peaks' median, logarithm: a grid of any
    size, after a resize too. chroma_blocking: at the best of 16 phases of Cb and Cr.
    zeros_low, zeros_middle, zeros_high: share of DCT coefficients below half a code, by diagonal (1-3, 4-7, 8-14).
    comb: strength of the strongest period in the histograms of the lowest coefficients, of double quantisation (Popescu
    and Farid 2004); step: that period in codes; comb_other: the same with the grid half a block away.
    ringing: log of the scatter 3-7 px beside strong edges over that in other flat parts. dead: share of 4×4 blocks of
    luma within one code; chroma_dead: of 8×8 blocks of chroma with a standard deviation below .3.
    """
    profiles = [_steps(planes.luma, axis) for axis in (2, 1)]
    phases = [_phases(profile, _BLOCK) for profile in profiles]
    colour = [_phases(_steps(planes.chroma[c], axis), 16) for c in (0, 1) for axis in (2, 1)]
    low, middle, high, comb, step = _coefficients(planes.luma, 0)
    other = _coefficients(planes.luma[::2], 4)
    return {
        "statistics.compression.blocking": float(np.mean([phase[0] for phase in phases])),
        "statistics.compression.blocking_other": float(np.mean([phase[1] for phase in phases])),
        "statistics.compression.grid": float(np.mean([_grid(profile) for profile in _whole(planes.pixels)])),
        "statistics.compression.chroma_blocking": float(np.mean([phase[0] for phase in colour])),
        "statistics.compression.zeros_low": low,
        "statistics.compression.zeros_middle": middle,
        "statistics.compression.zeros_high": high,
        "statistics.compression.comb": comb,
        "statistics.compression.step": step,
        "statistics.compression.comb_other": other[3],
        "statistics.compression.zeros_other": other[1],
        "statistics.compression.ringing": _ringing(planes.luma),
        "statistics.compression.dead": _dead(planes.luma),
        "statistics.compression.chroma_dead": _chroma_dead(planes.chroma),
    }


def _steps(tiles: NDArray[np.float32], axis: int) -> NDArray[np.float64]:
    """How much each step between neighbours exceeds the mean of the steps before and after it, by place: tiles start
    at one phase of every grid. NaN where the tile ends."""
    mean = _mean_steps(tiles, axis == 2)
    out = np.full(tiles.shape[axis], np.nan)
    out[2 : 2 + max(0, mean.size - 2)] = mean[1:-1] - 0.5 * (mean[:-2] + mean[2:]) if mean.size > 2 else 0.0
    return out / (mean.mean() + 0.1) if mean.size else out


@numba.njit(cache=True, nogil=True)
def _mean_steps(tiles: NDArray[np.float32], between_columns: bool) -> NDArray[np.float64]:
    count, height, width = tiles.shape
    sums = np.zeros(max(0, width - 1 if between_columns else height - 1))
    for tile in range(count):
        if between_columns:
            for y in range(height):
                for x in range(width - 1):
                    sums[x] += abs(tiles[tile, y, x + 1] - tiles[tile, y, x])
        else:
            for y in range(height - 1):
                row = np.float32(0.0)
                for x in range(width):
                    row += abs(tiles[tile, y + 1, x] - tiles[tile, y, x])
                sums[y] += row
    return sums / (count * (height if between_columns else width))


def _phases(profile: NDArray[np.float64], period: int) -> tuple[float, float]:
    """Excess of the best and of the second best phase over the median phase."""
    places = np.flatnonzero(np.isfinite(profile))
    counts = np.bincount(places % period, minlength=period)
    if not counts.all():
        return math.nan, math.nan
    means = np.sort(np.bincount(places % period, profile[places], period) / counts)
    middle = 0.5 * (means[period // 2 - 1] + means[period // 2])
    return float(means[-1] - middle), float(means[-2] - middle)


def _whole(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean steps of green, at most 32, between columns and between rows of the whole picture, at every fourth pixel of
    the other axis; empty where a side is 1."""
    along, down = np.ascontiguousarray(pixels[::4, :, 1]), np.ascontiguousarray(pixels[:, ::4, 1])
    profiles = []
    for before, after, axis in ((along[:, :-1], along[:, 1:], 0), (down[:-1], down[1:], 1)):
        if before.size == 0:
            profiles.append(np.empty(0))
            continue
        steps = cv2.min(cv2.absdiff(after, before), 32)
        sums = cv2.reduce(steps, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
        profiles.append(sums.ravel() / steps.shape[axis])
    return profiles[0], profiles[1]


def _grid(profile: NDArray[np.float64]) -> float:
    if profile.size < 64:
        return math.nan
    sharp = profile[1:-1] - 0.5 * (profile[:-2] + profile[2:])
    sharp = np.clip(sharp, *np.quantile(sharp, (0.01, 0.99))) * np.hanning(sharp.size)
    power = np.square(np.abs(np.fft.rfft(sharp)))
    period = sharp.size / np.maximum(np.arange(power.size), 1e-3)
    inside = power[(period > 3.0) & (period < 24.0)]
    return log_ratio(float(inside.max()), float(np.median(inside)))


@numba.njit(cache=True, nogil=True)
def _transform(
    tiles: NDArray[np.float32], start: int, cosines: NDArray[np.float32], zeros: NDArray[np.int64],
    histograms: NDArray[np.int64], low: NDArray[np.int64],
) -> int:  # fmt: skip
    """Counts, over blocks of 8×8 from `start` on, the coefficients below half a code and the lowest ones by value."""
    block, half = np.empty((8, 8), np.float32), np.empty((8, 8), np.float32)
    limit = (histograms.shape[1] - 1) // 2
    count = 0
    for tile in range(tiles.shape[0]):
        for top in range(start, tiles.shape[1] - 7, 8):
            for left in range(start, tiles.shape[2] - 7, 8):
                for y in range(8):
                    for v in range(8):
                        total = np.float32(0.0)
                        for x in range(8):
                            total += cosines[v, x] * tiles[tile, top + y, left + x]
                        half[y, v] = total
                for u in range(8):
                    for v in range(8):
                        total = np.float32(0.0)
                        for y in range(8):
                            total += cosines[u, y] * half[y, v]
                        block[u, v] = total
                        zeros[u, v] += abs(total) < 0.5
                for number in range(low.shape[0]):
                    code = int(np.rint(block[low[number, 0], low[number, 1]]))
                    if abs(code) <= limit:
                        histograms[number, code + limit] += 1
                count += 1
    return count


def _coefficients(tiles: NDArray[np.float32], start: int) -> tuple[float, float, float, float, float]:
    """Shares of zeros, low to high, strength of the comb in the histograms and its period."""
    zeros = np.zeros((_BLOCK, _BLOCK), np.int64)
    histograms = np.zeros((len(_LOW), 2 * _RANGE + 1), np.int64)
    count = _transform(tiles, start, _COSINES, zeros, histograms, np.array(_LOW))
    if count < 16:
        return (math.nan,) * 5
    diagonal = np.add.outer(np.arange(_BLOCK), np.arange(_BLOCK))
    shares = [float(zeros[(diagonal >= a) & (diagonal <= b)].mean()) / count for a, b in ((1, 3), (4, 7), (8, 14))]
    combs = [_comb(histogram) for histogram in histograms]
    strength = float(np.median([comb[0] for comb in combs]))
    return shares[0], shares[1], shares[2], strength, float(np.median([comb[1] for comb in combs]))


def _comb(histogram: NDArray[np.int64]) -> tuple[float, float]:
    """Largest amplitude over frequencies of a histogram without its peak at 0 and its slow part, and its period."""
    counts = histogram.astype(np.float64)
    counts[_RANGE] = 0.5 * (counts[_RANGE - 1] + counts[_RANGE + 1])
    smooth = np.convolve(counts, np.hanning(27) / np.hanning(27).sum(), mode="same")
    total = counts.sum()
    if total < 16:
        return 0.0, 0.0
    amplitude = np.abs(np.fft.rfft(counts - smooth)) / total
    place = 4 + int(np.argmax(amplitude[4:]))
    return float(amplitude[place]), counts.size / place


def _ringing(tiles: NDArray[np.float32]) -> float:
    near, far = [], []
    for tile in tiles:
        if min(tile.shape) < 32:
            continue
        smooth = cv2.GaussianBlur(tile, (0, 0), 1.0)
        slope = cv2.magnitude(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)) / 8.0
        mean, spread = cv2.meanStdDev(slope)
        edges = cv2.compare(slope, max(8.0, float(mean[0, 0] + 1.5 * spread[0, 0])), cv2.CMP_GT)
        inner, outer = (cv2.dilate(edges, np.ones((side, side), np.uint8)) for side in (5, 15))
        ring, rest = cv2.subtract(outer, inner), cv2.bitwise_not(outer)
        if min(cv2.countNonZero(ring), cv2.countNonZero(rest)) > 200:
            high = cv2.absdiff(tile, smooth)
            near.append(cv2.mean(high, ring)[0])
            far.append(cv2.mean(high, rest)[0])
    if not near:
        return math.nan
    return quantile(np.array([log_ratio(a + 0.1, b + 0.1) for a, b in zip(near, far, strict=True)]), 0.5)


@numba.njit(cache=True, nogil=True)
def _dead(tiles: NDArray[np.float32]) -> float:
    count = dead = 0
    for tile in range(tiles.shape[0]):
        for top in range(0, tiles.shape[1] - 3, 4):
            for left in range(0, tiles.shape[2] - 3, 4):
                low = high = tiles[tile, top, left]
                for y in range(top, top + 4):
                    for x in range(left, left + 4):
                        low, high = min(low, tiles[tile, y, x]), max(high, tiles[tile, y, x])
                if low > 6.0 and high < 249.0:
                    count += 1
                    dead += int(high - low <= 1.0)
    return dead / count if count else math.nan


@numba.njit(cache=True, nogil=True)
def _chroma_dead(chroma: NDArray[np.float32]) -> float:
    count = dead = 0
    for tile in range(chroma.shape[1]):
        for top in range(0, chroma.shape[2] - 7, 8):
            for left in range(0, chroma.shape[3] - 7, 8):
                spread = np.float32(0.0)
                for channel in range(2):
                    first = second = np.float32(0.0)
                    for y in range(top, top + 8):
                        for x in range(left, left + 8):
                            value = chroma[channel, tile, y, x]
                            first += value
                            second += value * value
                    spread = max(spread, second - first * first / np.float32(64.0))
                count += 1
                dead += int(spread <= np.float32(64.0 * 0.3 * 0.3))
    return dead / count if count else math.nan
