"""What a sensor records of a screen, in closed form.

The screen is a Fourier series (see `layouts`); the lens and the pixel's area weaken each of its waves by its modulation
transfer, and evaluating what is left at the pixels' places is the aliasing: no supersampling.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.moire.geometry import STEP
from degradations.moire.layouts import Series

Float = NDArray[np.float32]

#: Most nodes of the position grid between those on which a wave's modulation is computed, and fewest of the latter.
_COARSE, _NODES = 16, 12
#: Waves weaker than this part of the mean everywhere are left out.
_FAINT = 1e-3
_TABLE = 4096
_COSINE: Float = np.cos(2 * np.pi * (np.arange(_TABLE) + 0.5) / _TABLE).astype(np.float32)
#: How much of each screen colour (columns) each colour of the sensor (rows) sees; rows sum to 1.
CROSSTALK = np.array([[0.84, 0.14, 0.02], [0.1, 0.8, 0.1], [0.02, 0.14, 0.84]])


def modulation(frequencies: NDArray[np.float64], grid: NDArray[np.float64], sigma: float, every: int) -> Float:
    """Modulation transfer of each wave, float32 (n, rows, columns), on every `every`-th node of the position `grid`.

    exp(−2π²σ²|f|²)·sinc(f_x)·sinc(f_y) with f = Jᵀ(fu, fv) in cycles per sensor pixel: lens of Gaussian spread `sigma`
    sensor pixels, square pixels that touch.
    """
    across = np.gradient(grid, axis=1)[::every, ::every] / STEP
    down = np.gradient(grid, axis=0)[::every, ::every] / STEP
    x, y = np.tensordot(frequencies, across, axes=(1, 2)), np.tensordot(frequencies, down, axes=(1, 2))
    spread = np.exp(-2 * np.pi**2 * sigma**2 * (x * x + y * y))
    return np.asarray(spread * np.sinc(x) * np.sinc(y), dtype=np.float32)


@numba.njit(cache=True, nogil=True)
def _light(
    grid: Float,
    frequencies: Float,
    weights: Float,
    amplitudes: Float,
    cosine: Float,
    step: int,
    coarse: int,
    out: Float,
) -> None:
    height, width, colours = out.shape
    count = frequencies.shape[0]
    columns = weights.shape[2]
    row_weights = np.empty((count, columns), dtype=np.float32)
    turn = np.float32(cosine.size)
    mask, quarter = cosine.size - 1, cosine.size // 4
    for y in range(height):
        place = y / step
        at = min(int(place), grid.shape[0] - 2)
        share = np.float32(place - at)
        rough = place / coarse
        node = min(int(rough), max(weights.shape[1] - 2, 0))
        below = min(node + 1, weights.shape[1] - 1)
        part = np.float32(min(rough - node, 1.0))
        for k in range(count):
            for c in range(columns):
                row_weights[k, c] = weights[k, node, c] + part * (weights[k, below, c] - weights[k, node, c])
        for x in range(width):
            where = x / step
            left = min(int(where), grid.shape[1] - 2)
            along = np.float32(where - left)
            u0 = grid[at, left, 0] + share * (grid[at + 1, left, 0] - grid[at, left, 0])
            u1 = grid[at, left + 1, 0] + share * (grid[at + 1, left + 1, 0] - grid[at, left + 1, 0])
            v0 = grid[at, left, 1] + share * (grid[at + 1, left, 1] - grid[at, left, 1])
            v1 = grid[at, left + 1, 1] + share * (grid[at + 1, left + 1, 1] - grid[at, left + 1, 1])
            u, v = u0 + along * (u1 - u0), v0 + along * (v1 - v0)
            distant = where / coarse
            near = min(int(distant), max(columns - 2, 0))
            beyond = min(near + 1, columns - 1)
            mix = np.float32(min(distant - near, 1.0))
            for c in range(colours):
                out[y, x, c] = np.float32(1.0)
            for k in range(count):
                weight = row_weights[k, near] + mix * (row_weights[k, beyond] - row_weights[k, near])
                phase = frequencies[k, 0] * u + frequencies[k, 1] * v
                index = int((phase - np.floor(phase)) * turn) & mask
                real, imaginary = weight * cosine[index], weight * cosine[(index - quarter) & mask]
                for c in range(colours):
                    out[y, x, c] += amplitudes[c, k, 0] * real - amplitudes[c, k, 1] * imaginary
            for c in range(colours):
                if out[y, x, c] < np.float32(0.0):
                    out[y, x, c] = np.float32(0.0)


def recorded(series: Series, grid: NDArray[np.float64], height: int, width: int, sigma: float) -> Float:
    """Light of a white screen at each sensor pixel, before the colour filters, float32 (height, width, 3), mean 1.

    grid: as `geometry.positions`. sigma: the lens's Gaussian spread, sensor pixels.
    """
    every = max(1, min(_COARSE, min(grid.shape[:2]) // _NODES))
    weights = modulation(series.frequencies, grid, sigma, every)
    strongest = np.abs(weights).max(axis=(1, 2)) * np.abs(series.amplitudes).max(axis=0)
    kept = strongest > _FAINT
    amplitudes = 2.0 * series.amplitudes[:, kept]
    out = np.empty((height, width, 3), dtype=np.float32)
    _light(
        grid.astype(np.float32),
        series.frequencies[kept].astype(np.float32),
        np.ascontiguousarray(weights[kept]),
        np.stack([amplitudes.real, amplitudes.imag], axis=-1).astype(np.float32),
        _COSINE,
        STEP,
        every,
        out,
    )
    return out
