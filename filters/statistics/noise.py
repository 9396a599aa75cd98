"""Statistics of noise: how much the finest differences scatter, in luma and chroma, and whether they are white."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma
from filters.statistics.planes import Planes, log_ratio, middle

_BLOCK = 8


def noise(planes: Planes) -> dict[str, float]:
    """statistics.noise.*: numbers that rise with noise.

    fine, coarse: median absolute deviation of the diagonal Haar band (Donoho and Johnstone 1994) as a σ in codes, at
    full and at half size; chroma, chroma_coarse: the same of Cb and Cr. colour: log of chroma over coarse luma scatter.
    whiteness: log of fine over coarse, ln 2 for white noise. flat: the same σ in the flattest tenth of blocks of 8×8;
    flat_coarse: at half size; flat_chroma: of chroma. correlation: of neighbours in the high-pass of those blocks, 0
    for white noise. impulses: share of pixels that stand out of their 3×3 median by 25 codes or more and by 6 σ.
    tails: log kurtosis of the diagonal band.
    """
    bands = _diagonal(planes.luma)
    halves = _halved(planes.luma)
    coarse_bands = _diagonal(halves)
    chroma = list(planes.chroma)
    chroma_bands = [_diagonal(plane) for plane in chroma]
    fine, coarse = _deviation(bands), _deviation(coarse_bands)
    colour = max(map(_deviation, chroma_bands))
    chroma_coarse = max(_deviation(_diagonal(_halved(plane))) for plane in chroma)
    flat, correlation = _flattest(planes.luma)
    flat_coarse, correlation_coarse = _flattest(halves)
    return {
        "statistics.noise.fine": fine,
        "statistics.noise.coarse": coarse,
        "statistics.noise.chroma": colour,
        "statistics.noise.chroma_coarse": chroma_coarse,
        "statistics.noise.colour": log_ratio(chroma_coarse + 0.05, coarse + 0.05),
        "statistics.noise.whiteness": log_ratio(fine + 0.05, coarse + 0.05),
        "statistics.noise.flat": flat,
        "statistics.noise.flat_coarse": flat_coarse,
        "statistics.noise.flat_chroma": _flattest(chroma[0])[0],
        "statistics.noise.correlation": correlation,
        "statistics.noise.correlation_coarse": correlation_coarse,
        "statistics.noise.impulses": _impulses(planes.codes, fine),
        "statistics.noise.tails": _tails(bands),
    }


def _halved(tiles: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = (side // 2 * 2 for side in tiles.shape[1:])
    cut = tiles[:, :height, :width]
    return (cut[:, ::2, ::2] + cut[:, 1::2, ::2] + cut[:, ::2, 1::2] + cut[:, 1::2, 1::2]) * np.float32(0.25)


def _diagonal(tiles: NDArray[np.float32]) -> NDArray[np.float32]:
    """Diagonal Haar band, whose σ is that of white noise."""
    height, width = (side // 2 * 2 for side in tiles.shape[1:])
    cut = tiles[:, :height, :width]
    return (cut[:, ::2, ::2] - cut[:, 1::2, ::2] - cut[:, ::2, 1::2] + cut[:, 1::2, 1::2]) * np.float32(0.5)


def _deviation(band: NDArray[np.float32]) -> float:
    return middle(np.abs(band)) / 0.6745


def _tails(band: NDArray[np.float32]) -> float:
    second = float(np.square(band).mean(dtype=np.float64)) if band.size else math.nan
    fourth = float(np.square(np.square(band)).mean(dtype=np.float64)) if band.size else math.nan
    return log_ratio(fourth, second * second)


def _flattest(tiles: NDArray[np.float32]) -> tuple[float, float]:
    """σ of the high-pass in the flattest tenth of the blocks that are not clipped, and its correlation at 1 px."""
    if min(tiles.shape[1:]) < _BLOCK:
        return math.nan, math.nan
    sums = []
    for tile in tiles:
        high = tile - cv2.GaussianBlur(tile, (7, 7), 1.5, borderType=cv2.BORDER_REFLECT)
        sums.append(_blocks(tile, high))
    power, product, level = np.concatenate(sums, axis=1)
    usable = (level < 247.0) & (power > 0.0)
    if not usable.any():
        return 0.0, math.nan
    power, product = power[usable], product[usable]
    chosen = power <= np.quantile(power, 0.1)
    return math.sqrt(float(power[chosen].mean())), float(product[chosen].sum() / power[chosen].sum())


@numba.njit(cache=True, nogil=True)
def _blocks(tile: Luma, high: Luma) -> NDArray[np.float64]:
    """Of each block: mean square of the high-pass, mean product of its neighbours along rows, mean level; (3, n)."""
    rows, columns = tile.shape[0] // _BLOCK, tile.shape[1] // _BLOCK
    out = np.empty((3, rows * columns))
    for number in range(rows * columns):
        top, left = number // columns * _BLOCK, number % columns * _BLOCK
        power = product = level = np.float32(0.0)
        for y in range(top, top + _BLOCK):
            for x in range(left, left + _BLOCK):
                power += high[y, x] * high[y, x]
                level += tile[y, x]
                if x > left:
                    product += high[y, x] * high[y, x - 1]
        out[0, number], out[2, number] = power / _BLOCK**2, level / _BLOCK**2
        out[1, number] = product / (_BLOCK * (_BLOCK - 1))
    return out


def _impulses(codes: NDArray[np.uint8], sigma: float) -> float:
    """Share of tile values far from the median of their 3×3 pixels."""
    limit = 25.0 if math.isnan(sigma) else max(25.0, 6.0 * sigma)
    found = 0
    for tile in codes:
        _, far = cv2.threshold(cv2.absdiff(tile, cv2.medianBlur(tile, 3)), limit, 1, cv2.THRESH_BINARY)
        found += int(cv2.countNonZero(far.reshape(far.shape[0], -1)))
    return found / codes.size
