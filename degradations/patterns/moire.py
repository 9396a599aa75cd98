"""Moiré of a grey screen: what screen, lens and sensor make of nothing."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.contract import pick
from degradations.moire.camera import Shot, developed
from degradations.moire.geometry import STEP, View, positions
from degradations.moire.layouts import SHARES, Series, fourier_series
from degradations.moire.screen import recorded
from degradations.patterns.bank import Pattern

Float = NDArray[np.float32]

#: Root mean square of a pattern's modulation, and of the part of it that fits at most _VISIBLE times into a side.
RMS, FRINGES = (0.02, 0.25), 0.03
_VISIBLE = 50
#: Waves per side of the strongest visible one.
PEAK = (2, 200)
_TRIES = 12
#: Sensor pixels of a sample that tells whether a draw is worth making, and where in the picture samples lie.
_SAMPLE, _PLACES = 128, ((0.5, 0.5), (0.2, 0.25), (0.8, 0.75))


class _Draw(NamedTuple):
    series: Series
    view: View
    shot: Shot


def make(rng: np.random.Generator, size: int) -> Pattern:
    """A moiré pattern, uint8 (size, size, 3): 128 times the ratio by which it changes linear light, by channel.

    Drawn again (up to 12 times) until fringes of at most 50 waves a side have a root mean square of .03, the strongest
    of them 2-200 waves; then weakened, as by a matt coat, until the whole modulation's is at most .25. Specification:
    degradations §3; layouts as UniDemoiré (2025) lists them.
    """
    for _ in range(_TRIES):
        draw = _draw(rng, size)
        samples = [_photograph(draw, size, _SAMPLE, place) for place in _PLACES]
        if np.median([_fringes(sample, size) for sample in samples]) < FRINGES:
            continue
        ratio = _photograph(draw, size, size)
        slow = _slow(ratio, size)
        if _rms(slow) >= FRINGES and PEAK[0] <= _peak(slow) <= PEAK[1]:
            break
    else:
        ratio = _photograph(draw, size, size)
    rms = max(_rms(ratio), 1e-6)
    return _codes(1.0 + (ratio - 1.0) * np.float32(np.clip(rms, *RMS) / rms))


def _draw(rng: np.random.Generator, size: int) -> _Draw:
    series = fourier_series(pick(rng, SHARES), rng.uniform(0.6, 0.95), rng.uniform(0.7, 0.95))
    shot = Shot.draw(rng)
    return _Draw(series, View.draw(rng, shot.sensor(size), shot.decimation), shot)


def _photograph(draw: _Draw, size: int, part: int, place: tuple[float, float] = (0.5, 0.5)) -> Float:
    """`part` rows and columns of a picture of `size`, over their mean by channel, float32 (part, part, 3).

    place: of their middle, as shares of the picture.
    """
    side, needed = draw.shot.sensor(size), draw.shot.sensor(min(part, size))
    grid = positions(draw.view, side, side)
    if needed < side:
        top, left = (int(share * (side - needed)) // STEP for share in place)
        grid = grid[top : top + needed // STEP + 2, left : left + needed // STEP + 2]
    light = recorded(draw.series, grid, needed, needed, draw.shot.sigma)
    picture = developed(light, draw.shot, min(part, size), min(part, size))
    return np.asarray(picture / np.maximum(picture.mean(axis=(0, 1)), 1e-6), dtype=np.float32)


def _rms(ratio: Float) -> float:
    return float(np.sqrt(np.mean((ratio - 1.0) ** 2)))


def _slow(ratio: Float, size: int) -> Float:
    """`ratio` of a picture of `size` without its fine texture: a Gaussian that halves _VISIBLE waves a side."""
    sigma = size * 0.1874 / _VISIBLE
    return np.asarray(cv2.GaussianBlur(ratio, (0, 0), sigma)) if sigma > 0.3 else ratio


def _fringes(sample: Float, size: int) -> float:
    return _rms(_slow(sample, size))


def _peak(ratio: Float) -> float:
    """Waves per side of the strongest wave of the sum of channels and of red less blue."""
    best, power = 0.0, 0.0
    for plane in (ratio.sum(axis=2) - 3.0, ratio[..., 0] - ratio[..., 2]):
        spectrum = np.abs(np.fft.rfft2(plane))
        y, x = np.unravel_index(int(np.argmax(spectrum)), spectrum.shape)
        if spectrum[y, x] > power:
            power = float(spectrum[y, x])
            best = float(np.hypot(min(y, plane.shape[0] - y), x))
    return best


def _codes(ratio: Float) -> Pattern:
    return np.clip(128.0 * ratio + 0.5, 0, 255).astype(np.uint8)
