"""Statistics of rain: thin bright streaks of one direction everywhere, and drops that blur what is behind them."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma
from filters.statistics.planes import RINGS, Planes, log_ratio, median, quantile


def rain(planes: Planes) -> dict[str, float]:
    """statistics.rain.*: numbers that rise with rain, at full (fine) and at half size (coarse).

    bright: log of the power of ridges brighter than both sides over darker ones. oriented: how much the bright ridges
    of all tiles agree on a direction, 0-1, each tile with equal weight; oriented_flat: of the half of the tiles with
    least texture; upright: the part of it that is vertical; contrast: bright less dark agreement. ridges: share of
    pixels on bright ridges of 3 codes or more. skew: skewness of the high-pass of luma. grey: how little the ridges
    differ in colour, logarithm. common: range over directions of the tiles' mean log spectrum above .06 cycles a pixel.
    patches: scatter over blocks of 24 px of the log of fine detail; clear behind, blurred through drops.
    """
    halves = np.stack([_half(tile) for tile in planes.luma])
    scores: dict[str, float] = {}
    order = np.argsort(planes.variance, kind="stable")
    for name, tiles in (("fine", planes.luma), ("coarse", halves)):
        sums = np.stack([_ridges(tile) for tile in tiles])
        bright, dark = _agreement(sums[:, :3]), _agreement(sums[:, 3:6])
        flat = _agreement(sums[order[: (len(order) + 1) // 2], :3])
        scores[f"statistics.rain.bright_{name}"] = log_ratio(sums[:, 0].sum() + 1.0, sums[:, 3].sum() + 1.0)
        scores[f"statistics.rain.bright_low_{name}"] = float(
            np.quantile(np.log((sums[:, 0] + 1.0) / (sums[:, 3] + 1.0)), 0.25)
        )
        scores[f"statistics.rain.oriented_{name}"] = math.hypot(*bright)
        scores[f"statistics.rain.oriented_flat_{name}"] = math.hypot(*flat)
        scores[f"statistics.rain.upright_{name}"] = bright[0]
        scores[f"statistics.rain.contrast_{name}"] = math.hypot(*bright) - math.hypot(*dark)
        scores[f"statistics.rain.ridges_{name}"] = float(np.median(sums[:, 6])) / tiles[0].size
        scores[f"statistics.rain.skew_{name}"] = median(np.array([_skew(tile) for tile in tiles]))
    logs = np.log(planes.rings[:, RINGS // 3 + 1 : -1] + 1.0)
    turns = (logs - logs.mean(axis=2, keepdims=True)).mean(axis=(0, 1))
    scores["statistics.rain.common"] = float(turns.max() - turns.min())
    scores["statistics.rain.patches"] = _patches(planes.luma)
    return scores


def _half(tile: Luma) -> Luma:
    height, width = (max(1, side // 2) for side in tile.shape)
    half: Luma = cv2.resize(tile, (width, height), interpolation=cv2.INTER_AREA)
    return half


def _ridges(tile: Luma) -> NDArray[np.float64]:
    smooth = cv2.GaussianBlur(tile, (5, 5), 0.8, borderType=cv2.BORDER_REFLECT)
    return _ridge_sums(smooth)


@numba.njit(cache=True, nogil=True)
def _ridge_sums(tile: Luma) -> NDArray[np.float64]:
    """Of bright and of dark ridges, by the larger eigenvalue of the Hessian at 2 px: power, and power times cosine and
    sine of twice the ridge's angle from the vertical; number of bright ridge pixels."""
    sums = np.zeros(7)
    for y in range(2, tile.shape[0] - 2):
        for x in range(2, tile.shape[1] - 2):
            here = np.float32(2.0) * tile[y, x]
            xx = tile[y, x - 2] + tile[y, x + 2] - here
            yy = tile[y - 2, x] + tile[y + 2, x] - here
            half = np.float32(0.5) * (xx + yy)
            if abs(half) <= np.float32(0.5):  # else strength is at most 1
                continue
            xy = np.float32(0.5) * (tile[y - 2, x - 2] + tile[y + 2, x + 2] - tile[y - 2, x + 2] - tile[y + 2, x - 2])
            apart = math.sqrt(0.25 * (xx - yy) * (xx - yy) + xy * xy)
            strength = max(0.0, abs(half) + apart - 2.0 * abs(abs(half) - apart))
            if strength <= 1.0 or apart < 1e-6:
                continue
            strength = min(strength, 60.0)
            # cos 2φ of the direction across the ridge; vertical ridges have xx ≫ yy in size.
            sign = -1.0 if half < 0.0 else 1.0
            cosine, sine = sign * 0.5 * (xx - yy) / apart, sign * xy / apart
            first = 0 if half < 0.0 else 3
            sums[first] += strength
            sums[first + 1] += strength * cosine
            sums[first + 2] += strength * sine
            if half < 0.0 and strength > 6.0:
                sums[6] += 1.0
    return sums


def _agreement(sums: NDArray[np.float64]) -> tuple[float, float]:
    """Mean over tiles of cos and sin of the doubled angle, each weighted by power within its tile."""
    weight = np.maximum(sums[:, 0], 1.0)
    return float((sums[:, 1] / weight).mean()), float((sums[:, 2] / weight).mean())


def _skew(tile: Luma) -> float:
    high = tile - cv2.blur(tile, (9, 9), borderType=cv2.BORDER_REFLECT)
    spread = float(np.square(high).mean(dtype=np.float64))
    return float((high * high * high).mean(dtype=np.float64)) / spread**1.5 if spread > 1e-3 else math.nan


def _patches(tiles: NDArray[np.float32]) -> float:
    logs = []
    for tile in tiles:
        rows, columns = (side // 24 for side in tile.shape)
        if rows and columns:
            high = np.abs(tile - cv2.GaussianBlur(tile, (5, 5), 1.0, borderType=cv2.BORDER_REFLECT))
            cut = np.ascontiguousarray(high[: rows * 24, : columns * 24])
            logs.append(np.log(cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA) + 0.1).ravel())
    if not logs:
        return math.nan
    pooled = np.concatenate(logs)
    return quantile(pooled, 0.9) - quantile(pooled, 0.1)
