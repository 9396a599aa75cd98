"""Random numbers for pixels, made inside Numba kernels from a seed and the pixel's number.

Each pixel hashes its own counter (SplitMix64, Steele, Lea and Flood 2014), so the result depends on neither order nor
threads and never repeats within a picture; 3·10⁶ normal numbers take about 1.5 ms on one core.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_S11, _S16, _S54 = np.uint64(11), np.uint64(16), np.uint64(54)
_LOW = np.uint64(0xFFFF)


def _normal_table() -> NDArray[np.float32]:
    # Midpoint quantiles, rescaled to unit variance: truncation at 4.3 σ alone would lose 0.05%.
    upper = np.array([NormalDist().inv_cdf((i + 0.5) / 65536) for i in range(32768, 65536)])
    table = np.concatenate([-upper[::-1], upper])
    return (table / table.std()).astype(np.float32)


#: Quantiles of the standard normal distribution at (i + ½) / 65536, unit variance, float32 (65536,).
NORMAL: NDArray[np.float32] = _normal_table()


@numba.njit(cache=True, nogil=True, inline="always")
def mix(seed: Any, counter: Any) -> Any:
    """64 random bits for the `counter`-th element of the stream `seed` (both uint64)."""
    z = np.uint64(seed) + np.uint64(counter) * _GOLDEN
    z = (z ^ (z >> _S30)) * _FIRST
    z = (z ^ (z >> _S27)) * _SECOND
    return z ^ (z >> _S31)


@numba.njit(cache=True, nogil=True, inline="always")
def part(bits: Any, index: int) -> Any:
    """The `index`-th (0-3) of the four 16-bit parts of 64 random bits, as a table index."""
    return np.int64((bits >> (np.uint64(index) * _S16)) & _LOW)


def stream(seed: int, number: int) -> np.uint64:
    """The seed of the `number`-th independent stream of a picture's pixel seed."""
    mask = (1 << 64) - 1
    z = (seed * 0xD1342543DE82EF95 + (number + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 32)) * 0xD6E8FEB86659FD93) & mask
    return np.uint64(z ^ (z >> 32))


_CUT = 10.0  # rates from here on are sampled by expansion
_FINENESS = 64  # grid of rates: (i / 64)²
_CELLS = 1024


def _count_table() -> NDArray[np.int8]:
    rates = (np.arange(int(np.sqrt(_CUT) * _FINENESS) + 2) / _FINENESS) ** 2
    counts = np.arange(1, 64)
    steps = np.concatenate([np.exp(-rates)[:, None], rates[:, None] / counts], axis=1)
    cumulative = np.cumsum(np.cumprod(steps, axis=1), axis=1)
    edges = np.arange(_CELLS + 1) / _CELLS
    table = np.empty((len(rates), _CELLS), dtype=np.int8)
    for row, steps_up in zip(table, cumulative, strict=True):
        first, last = np.searchsorted(steps_up, edges[:-1], "right"), np.searchsorted(steps_up, edges[1:], "left")
        row[:] = np.where(first == last, first, -1)
    return table


#: Guide table of the inverse Poisson distribution, int8 (rates, cells): the count where a whole cell of the unit
#: interval has one, −1 where it has several.
COUNTS: NDArray[np.int8] = _count_table()


@numba.njit(cache=True, nogil=True)
def poisson(rate: Any, bits: Any, normal: NDArray[np.float32], counts: NDArray[np.int8]) -> Any:
    """A Poisson count of mean `rate` ≥ 0 from 64 random bits, float32; `normal` is NORMAL and `counts` COUNTS.

    Below 10 an integer, by inversion at one of the two neighbouring rates of a grid, chosen at random so that the
    mean is exact and the variance too large by less than 0.03%. Above 10 a real number, by the Cornish-Fisher
    expansion λ + √(λ − 1/18)·z + (z² − 1)/6, whose mean and variance are exactly λ and whose skewness is right
    to O(1/λ).
    """
    if rate <= 0.0:
        return np.float32(0.0)
    choice = part(bits, 0)
    if rate >= _CUT:
        z = normal[choice]
        spread = np.sqrt(np.float32(rate) - np.float32(1.0 / 18.0))
        return np.float32(rate) + spread * z + (z * z - np.float32(1.0)) * np.float32(1.0 / 6.0)
    level = int(np.sqrt(rate) * _FINENESS)
    below = np.float32(level * level) / np.float32(_FINENESS * _FINENESS)
    width = np.float32(2 * level + 1) / np.float32(_FINENESS * _FINENESS)
    if (np.float32(choice) + np.float32(0.5)) * width < (np.float32(rate) - below) * np.float32(65536.0):
        level += 1
    count = counts[level, np.int64(bits >> _S54)]
    if count >= 0:
        return np.float32(count)
    u = np.float64(bits >> _S11) * 1.1102230246251565e-16
    grid_rate = np.float64(level * level) / (_FINENESS * _FINENESS)
    probability = np.exp(-grid_rate)
    total = 0
    while u > probability and total < 60:
        u -= probability
        total += 1
        probability *= grid_rate / total
    return np.float32(total)


@numba.njit(cache=True, nogil=True)
def _fill_normal(seed: Any, normal: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    n = out.size
    for i in range((n + 3) // 4):
        bits = mix(seed, i)
        for j in range(min(4, n - 4 * i)):
            out[4 * i + j] = normal[part(bits, j)]


def normal_field(seed: int, number: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Independent standard normal numbers, float32 of `shape`: stream `number` of the pixel seed `seed`."""
    out = np.empty(shape, dtype=np.float32)
    _fill_normal(stream(seed, number), NORMAL, out.reshape(-1))
    return out
