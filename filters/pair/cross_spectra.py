"""Spectra of the blocks of a pair, from which shift and flow are read."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma

#: Pictures are reduced by a whole number to about this short side, pixels.
_SIDE = 400
#: Sides of a block, pixels of the reduced picture; the largest that goes twice into the short side is taken.
_SIDES = (64, 32, 16)
#: Side, pixels of the reduced picture, of a box whose mean over its mean is taken away: larger structures leak from
#: one frequency of a block into all others and pull the shift to 0.
_LOWEST = 19
#: Variance of noise, codes², that a block's spectrum is divided by besides its own.
_NOISE = 1.0
#: Mean variance of blocks, codes², below which there is nothing to correlate.
_FAINTEST = 1e-3
#: Highest coherence believed: weights stay finite.
_SUREST = 0.98


@dataclass(frozen=True)
class CrossSpectra:
    """scale: pixels of the picture a pixel of the blocks. base: (dy, dx) in blocks' pixels by which the degraded
    blocks were taken further down and right. short: short side of the picture, pixels.

    cross: degraded · conj(clean), normalised, of every block, complex64 (rows, columns, B, B/2 + 1). clean: power of
    the clean blocks, summed as `cross` is. coherence: how far a frequency of the degraded picture follows from the
    clean one, 0 to .98. response: the amplitude with which it does, 1 at the lowest ones. The last three are float32
    (B, B/2 + 1).
    """

    scale: int
    base: tuple[int, int]
    short: int
    cross: NDArray[np.complex64]
    clean: NDArray[np.float32]
    coherence: NDArray[np.float32]
    response: NDArray[np.float32]


def reduced(grey: Luma, degradation: str) -> tuple[Luma, int]:
    """The picture at a short side near 400 pixels, without its large structures, and by how much it was reduced.

    Blur adds light, not codes: a blurred pair is compared in (nearly) linear light.
    """
    scale = max(1, round(min(grey.shape) / _SIDE))
    if scale > 1:
        height, width = (side // scale for side in grey.shape)
        grey = cv2.resize(grey[: height * scale, : width * scale], (width, height), interpolation=cv2.INTER_AREA)
    if degradation == "blur":
        grey = grey * grey * np.float32(1 / 255)
    mean = grey
    for _ in range(2):
        mean = cv2.blur(mean, (_LOWEST, _LOWEST), borderType=cv2.BORDER_REFLECT)
    return grey - mean, scale


def cross_spectra(degraded: Luma, clean: Luma, scale: int, base: tuple[int, int]) -> CrossSpectra | None:
    """Spectra of two pictures as `reduced` gives them, of half-overlapping blocks under a Hann window.

    Coherence and response are those of Welch (1967), each block weighted by the inverse of its energies, so that no
    bright streak outweighs the rest. None below 16 pixels a side and where either picture has no detail.
    """
    short = min(clean.shape) * scale
    if any(abs(move) > side // 2 for move, side in zip(base, clean.shape, strict=True)):
        return None
    degraded, clean = _overlap(degraded, clean, base)
    fitting = [side for side in _SIDES if side <= max(min(clean.shape) // 2, _SIDES[-1])]
    if min(clean.shape) < _SIDES[-1]:
        return None
    side = fitting[0]
    of_degraded, of_clean = _spectra(degraded, side), _spectra(clean, side)
    power_d, power_c = _power(of_degraded), _power(of_clean)
    energy_d, energy_c = (power.sum(axis=(2, 3), keepdims=True) for power in (power_d, power_c))
    noise = np.float32(_NOISE * side**2 * np.square(_window(side)).sum() / 2)
    if float(np.minimum(energy_d, energy_c).mean()) < _FAINTEST / _NOISE * noise:
        return None
    weight = 1 / np.sqrt((energy_d + noise) * (energy_c + noise))
    cross = of_degraded * np.conj(of_clean) * weight
    total = np.abs(cross.sum(axis=(0, 1)))
    sum_d, sum_c = ((power * weight).sum(axis=(0, 1)) for power in (power_d, power_c))
    tiny = np.float32(1e-6) * sum_c.mean()
    # Half-overlapping blocks are worth about half their number; so few agree by chance.
    chance = 1 / max(2.0, cross.shape[0] * cross.shape[1] / 2)
    squared = np.square(total) / ((sum_d + tiny) * (sum_c + tiny))
    coherence = np.clip((squared - chance) / (1 - chance), 0, _SUREST).astype(np.float32)
    response = total / (sum_c + tiny)
    vertical, horizontal = frequencies(side)
    lowest = np.hypot(vertical, horizontal) < 4.5 / 64
    lowest[0, 0] = False
    response = (response / max(float(np.median(response[lowest])), 1e-12)).astype(np.float32)
    return CrossSpectra(scale, base, short, cross, sum_c, coherence, response)


@functools.lru_cache(maxsize=4)
def frequencies(side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vertical (B, 1) and horizontal (1, B/2 + 1) frequencies of a block, cycles a pixel."""
    vertical, horizontal = np.fft.fftfreq(side), np.fft.rfftfreq(side)
    return vertical[:, None].astype(np.float64), horizontal[None, :].astype(np.float64)


def _spectra(grey: Luma, side: int) -> NDArray[np.complex64]:
    """Of half-overlapping blocks in the middle of the picture, (rows, columns, side, side/2 + 1)."""
    step = side // 2
    top, left = ((extent - side) % step // 2 for extent in grey.shape)
    blocks = np.lib.stride_tricks.sliding_window_view(grey[top:, left:], (side, side))[::step, ::step]
    blocks = (blocks - blocks.mean(axis=(2, 3), keepdims=True)) * _window(side)
    spectra: NDArray[np.complex64] = np.fft.rfft2(blocks).astype(np.complex64, copy=False)
    return spectra


def _power(spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
    return np.square(spectra.real) + np.square(spectra.imag)


@functools.lru_cache(maxsize=4)
def _window(side: int) -> NDArray[np.float32]:
    hann = np.hanning(side + 2)[1:-1]
    return np.outer(hann, hann).astype(np.float32)


def _overlap(degraded: Luma, clean: Luma, base: tuple[int, int]) -> tuple[Luma, Luma]:
    """What both show when what lies at p in the clean picture lies at p + base in the degraded one."""
    dy, dx = base
    height, width = clean.shape
    return (
        degraded[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)],
        clean[max(0, -dy) : height + min(0, -dy), max(0, -dx) : width + min(0, -dx)],
    )


def block_side(spectra: CrossSpectra) -> int:
    """B, pixels of the reduced picture."""
    return spectra.cross.shape[2]


def half_plane(side: int) -> NDArray[np.float64]:
    """How often each frequency of a half spectrum counts, (B, B/2 + 1): twice, but the zero column once; the constant
    and the Nyquist frequencies, whose phase means nothing, not at all."""
    counts = np.full((side, side // 2 + 1), 2.0)
    counts[:, 0] = 1.0
    counts[0, 0] = counts[side // 2] = counts[:, -1] = 0.0
    return counts
