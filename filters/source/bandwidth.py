"""How far up the spectrum of the picture reaches: an enlarged small picture ends early."""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma

#: Side of a tile, how many with the most detail are read, and the share of the whitened power that counts as all.
_TILE, _TILES, _SHARE = 128, 8, 0.93
#: Lowest frequency read, in cycles a pixel: below it every picture has power.
_LOWEST = 0.06
#: Power of what rounding to codes adds, with room for that of luma: it is no detail.
_ROUNDING = 3.0 / 12.0
#: Mean squared gradient of a tile, in codes², below which it has no detail.
_FAINTEST = 4.0


def bandwidth(grey: Luma) -> dict[str, float]:
    """source.bandwidth in (0, 1]: the frequency, as a share of Nyquist's, below which the detail lies.

    The power spectra of the 128×128 tiles with the most detail (Hann window) are averaged over directions and tiles.
    Photographs have power of about 1/f², so f²-weighted power is spread evenly; the frequency below which 93% of it
    lies is near Nyquist's for a picture sharp at its size and below about 1/s of it for one enlarged s times by any
    smooth interpolation. Noise added afterwards hides it (source.noise_sigma sees that), and so do the steps of
    nearest-neighbour enlarging (source.blockiness). NaN for pictures smaller than a tile and for
    those without detail.
    """
    height, width = grey.shape
    if min(height, width) < _TILE:
        return {"source.bandwidth": math.nan}
    window, rings, weights = _grids()
    floor = _ROUNDING * float(np.square(window).sum())
    total = np.zeros(_TILE // 2 + 1)
    chosen = _most_detailed(grey)
    if not chosen:
        return {"source.bandwidth": math.nan}
    for top, left in chosen:
        tile = grey[top : top + _TILE, left : left + _TILE]
        spectrum = cv2.dft((tile - tile.mean()) * window, flags=cv2.DFT_COMPLEX_OUTPUT)
        power = np.square(spectrum[..., 0]) + np.square(spectrum[..., 1])
        ring = np.bincount(rings, np.maximum(power.ravel() - floor, 0.0), minlength=total.size)
        own = ring[: total.size] * weights
        total += own / max(float(own.sum()), 1e-9)
    share = np.cumsum(total) / total.sum()
    place = int(np.searchsorted(share, _SHARE))
    before = share[place - 1] if place else 0.0
    inside = (_SHARE - before) / (share[place] - before)
    return {"source.bandwidth": min(1.0, float(place - 1 + inside + 0.5) / (_TILE / 2))}


def _most_detailed(grey: Luma) -> list[tuple[int, int]]:
    """Top left corners of the tiles, of a grid over the picture, with the largest mean squared gradient."""
    height, width = grey.shape
    tops = np.linspace(0, height - _TILE, min(8, max(1, height // _TILE))).astype(int)
    lefts = np.linspace(0, width - _TILE, min(8, max(1, width // _TILE))).astype(int)
    found = []
    for top in tops:
        for left in lefts:
            tile = grey[top : top + _TILE : 2, left : left + _TILE : 2]
            detail = float(np.square(np.diff(tile, axis=0)).mean() + np.square(np.diff(tile, axis=1)).mean())
            if detail > _FAINTEST:
                found.append((detail, int(top), int(left)))
    found.sort(key=lambda one: (-one[0], one[1], one[2]))
    return [(top, left) for _, top, left in found[:_TILES]]


@functools.cache
def _grids() -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    """The window, the ring of each bin of the spectrum, and the weight of each ring: f², 0 below `_LOWEST`."""
    window = np.asarray(cv2.createHanningWindow((_TILE, _TILE), cv2.CV_32F), dtype=np.float32)
    steps = np.fft.fftfreq(_TILE) * _TILE
    rings = np.rint(np.hypot(steps[:, None], steps[None, :])).astype(np.int64)
    rings = np.minimum(rings, _TILE // 2 + 1).ravel()
    counts = np.bincount(rings, minlength=_TILE // 2 + 2)[: _TILE // 2 + 1]
    frequency = np.arange(_TILE // 2 + 1) / _TILE
    weights = np.where(frequency >= _LOWEST, np.square(frequency), 0.0) / np.maximum(counts, 1)
    return window, rings, weights
