"""Whether the content of a pair lies at the same place."""

from __future__ import annotations

import functools
import math

import numba
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma
from filters.pair.cross_spectra import CrossSpectra, block_side, cross_spectra, frequencies, half_plane, reduced

Shift = tuple[float, float]

#: How often the degraded blocks are taken anew where the content was found.
_PASSES = 2
#: Blocks are taken where they agree better; under blur, whose side lobes agree too, by this factor.
_BETTER_BLUR = 1.02
#: Sum of the phases' weights below which the highest correlation may be chance: none of the shift is sure.
_CHANCE = 3.0
#: Frequencies that the degradation damped by r count with r⁴: their phase is that of the blur's side lobes.
_DAMPED = 4
#: Regions a side of the jackknife, and standard errors that are given away.
_REGIONS, _ERRORS = 3, 3.0
#: A point-spread function: share of its highest value below which it is noise, and its widest reach, share of a block.
_RIM, _REACH = 0.1, 0.3


def correlate(degraded: Luma, clean: Luma, degradation: str) -> tuple[CrossSpectra | None, Shift]:
    """The spectra of a pair's blocks, the degraded ones taken where the content is, and the rest of the shift,
    (dy, dx) in pixels of the blocks. None below 16 pixels a side and where either picture has no detail."""
    small_d, scale = reduced(degraded, degradation)
    small_c, _ = reduced(clean, degradation)
    spectra = cross_spectra(small_d, small_c, scale, (0, 0))
    if spectra is None:
        return None, (0.0, 0.0)
    rest = _estimate(spectra, spectra.cross.sum(axis=(0, 1)), degradation, None)
    better = _BETTER_BLUR if degradation == "blur" else 1.0
    for _ in range(_PASSES):
        base = (spectra.base[0] + round(rest[0]), spectra.base[1] + round(rest[1]))
        moved = cross_spectra(small_d, small_c, scale, base) if base != spectra.base else None
        if moved is None or _agreement(moved) <= better * _agreement(spectra):
            break
        spectra, rest = moved, _estimate(moved, moved.cross.sum(axis=(0, 1)), degradation, None)
    return spectra, rest


def _agreement(spectra: CrossSpectra) -> float:
    """Mean coherence."""
    counts = half_plane(block_side(spectra))
    return float((spectra.coherence * counts).sum() / counts.sum())


def alignment(spectra: CrossSpectra | None, rest: Shift, degradation: str) -> dict[str, float]:
    """pair.shift: length in pixels of the global translation of the degraded picture against the clean one.
    pair.shift_share: the same as a share of the short side. pair.shift_least: the part of it that is sure, at least 0.

    spectra, rest: of `correlate`.

    The maximum-likelihood delay of Knapp and Carter (1976): the phase of every frequency counts by γ²/(1 − γ²), γ²
    being its coherence, so that noise, streaks, veils and screens count as little as they follow from the clean
    picture. A blur's point-spread function has its centre of mass at the clean place and its highest point elsewhere:
    for blur the function itself is estimated (Wiener) and its centre of mass is the shift. What is sure is the shift
    less three standard errors, by a jackknife over nine regions, and nothing where hardly a frequency is coherent. NaN
    where nothing can be correlated.
    """
    if spectra is None:
        return dict.fromkeys(("pair.shift", "pair.shift_share", "pair.shift_least"), math.nan)
    total = (spectra.base[0] + rest[0], spectra.base[1] + rest[1])
    length = math.hypot(*total)
    shift = spectra.scale * length
    least = 0.0
    if length > 0 and float(phase_weights(spectra).sum()) >= _CHANCE:
        least = max(0.0, shift - _ERRORS * spectra.scale * _error(spectra, rest, degradation, total))
    return {
        "pair.shift": shift,
        "pair.shift_share": shift / spectra.short,
        "pair.shift_least": least,
    }


def _error(spectra: CrossSpectra, rest: Shift, degradation: str, total: Shift) -> float:
    """Standard error along the shift, pixels of the blocks."""
    rows, columns = spectra.cross.shape[:2]
    whole = spectra.cross.sum(axis=(0, 1))
    lengths = []
    for top, bottom in _cuts(rows):
        for left, right in _cuts(columns):
            without = whole - spectra.cross[top:bottom, left:right].sum(axis=(0, 1))
            dy, dx = _estimate(spectra, without, degradation, rest)
            lengths.append((dy * total[0] + dx * total[1]) / math.hypot(*total))
    if len(lengths) < 2:
        return 0.0
    return float(np.std(lengths) * math.sqrt(len(lengths) - 1))


def _cuts(count: int) -> list[tuple[int, int]]:
    regions = min(_REGIONS, count)
    return [(count * n // regions, count * (n + 1) // regions) for n in range(regions)]


def phase_weights(spectra: CrossSpectra) -> NDArray[np.float64]:
    """What the phase of each frequency counts, (B, B/2 + 1)."""
    damped = np.minimum(spectra.response, 1) ** _DAMPED
    return spectra.coherence / (1 - spectra.coherence) * damped * half_plane(block_side(spectra))


def _estimate(spectra: CrossSpectra, cross: NDArray[np.complex64], degradation: str, start: Shift | None) -> Shift:
    if degradation == "blur":
        return _centre_of_mass(spectra, cross)
    side = block_side(spectra)
    whitened = cross * (phase_weights(spectra) / (np.abs(cross) + 1e-20))
    if start is None:
        surface = np.fft.irfft2(whitened, s=(side, side))
        row, column = divmod(int((surface * _nearness(side)).argmax()), side)
        start = (float((row + side // 2) % side - side // 2), float((column + side // 2) % side - side // 2))
    dy, dx = _climb(whitened, *frequencies(side), *start)
    return float(dy), float(dx)


@numba.njit(cache=True, nogil=True)
def _climb(
    whitened: NDArray[np.complex128],
    vertical: NDArray[np.float64],
    horizontal: NDArray[np.float64],
    dy: float,
    dx: float,
) -> tuple[float, float]:
    """Newton's way from (dy, dx) to the highest point of Σ Re(whitened · exp(2πi(f_y·dy + f_x·dx)))."""
    for _ in range(12):
        gy = gx = hyy = hyx = hxx = 0.0
        for i in range(whitened.shape[0]):
            fy = 2 * np.pi * vertical[i, 0]
            for j in range(whitened.shape[1]):
                fx = 2 * np.pi * horizontal[0, j]
                value = whitened[i, j] * np.exp(1j * (fy * dy + fx * dx))
                gy -= fy * value.imag
                gx -= fx * value.imag
                hyy -= fy * fy * value.real
                hyx -= fy * fx * value.real
                hxx -= fx * fx * value.real
        determinant = hyy * hxx - hyx * hyx
        if not (hyy < 0.0 and determinant > 0.0):
            break
        step_y = -(hxx * gy - hyx * gx) / determinant
        step_x = -(hyy * gx - hyx * gy) / determinant
        length = max(1.0, np.hypot(step_y, step_x))
        dy, dx = dy + step_y / length, dx + step_x / length
        if abs(step_y) + abs(step_x) < 1e-3:
            break
    return dy, dx


@functools.lru_cache(maxsize=4)
def _nearness(side: int) -> NDArray[np.float64]:
    """Of every shift to 0, a Gaussian of a quarter block: a chance peak far away does not win by a little."""
    squared = np.square(np.fft.fftfreq(side) * 4)
    return np.exp(-0.5 * np.add.outer(squared, squared))


def _centre_of_mass(spectra: CrossSpectra, cross: NDArray[np.complex64]) -> Shift:
    """Of the point-spread function: cross/clean by Wiener's rule, without what is lower than a tenth of its highest."""
    side = block_side(spectra)
    vertical, horizontal = frequencies(side)
    smooth = np.exp(-2 * np.pi**2 * (vertical**2 + horizontal**2))
    wiener = spectra.coherence * smooth * (half_plane(side) > 0) / (spectra.clean + 1e-6 * spectra.clean.mean())
    function = np.fft.irfft2(cross * wiener, s=(side, side))
    steps = np.fft.fftfreq(side) * side
    near = np.maximum.outer(np.abs(steps), np.abs(steps)) <= _REACH * side
    function = (function - np.median(function[~near])) / _window_overlap(side)
    highest = float((function * _nearness(side))[near].max())
    function = np.where(near & (function > _RIM * highest), function, 0)
    mass = float(function.sum())
    if mass <= 0:
        return 0.0, 0.0
    return float((function.sum(axis=1) * steps).sum()) / mass, float((function.sum(axis=0) * steps).sum()) / mass


@functools.lru_cache(maxsize=4)
def _window_overlap(side: int) -> NDArray[np.float64]:
    """Share of a block's window that a shift leaves over itself, at least .2."""
    hann = np.hanning(side + 2)[1:-1]
    lags = np.correlate(hann, hann, "full")[side - 1 :] / np.square(hann).sum()
    along = lags[np.abs(np.fft.fftfreq(side) * side).astype(int)]
    return np.maximum(np.outer(along, along), 0.2)
