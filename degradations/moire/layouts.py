"""Screens as Fourier series: where the subpixels of each colour lie."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Layout = Literal["stripe", "bgr", "pentile", "chevron", "delta", "led_wall"]

#: How common the layouts are.
SHARES: dict[str, float] = {
    "stripe": 0.55, "bgr": 0.05, "pentile": 0.2, "chevron": 0.1, "delta": 0.05, "led_wall": 0.05,
}  # fmt: skip
#: Highest harmonic kept in each direction.
ORDER = 4


class Series(NamedTuple):
    """Light of a white screen: of colour c at (u, v) screen pixels 1 + Σₖ 2·Re(A[c, k]·e^(2πi(fu[k]·u + fv[k]·v))).

    frequencies: float64 (n, 2), fu and fv in cycles per screen pixel, one of each pair ±f. amplitudes: complex (3, n).
    """

    frequencies: NDArray[np.float64]
    amplitudes: NDArray[np.complex128]


class _Emitter(NamedTuple):
    """A rectangle of light: centre and size in screen pixels; slant: how far its top is shifted per unit of height."""

    u: float
    v: float
    width: float
    height: float
    slant: float = 0.0


class _Screen(NamedTuple):
    """Emitters of red, green and blue in a cell of the given size in screen pixels, which repeats."""

    cell: tuple[int, int]
    emitters: tuple[list[_Emitter], list[_Emitter], list[_Emitter]]


def _screen(layout: str, width: float, height: float) -> _Screen:
    thirds = (1 / 6, 1 / 2, 5 / 6)
    match layout:
        case "stripe" | "bgr":
            order = thirds if layout == "stripe" else thirds[::-1]
            return _Screen((1, 1), tuple([_Emitter(u, 0.5, width / 3, height)] for u in order))  # type: ignore[arg-type]
        case "chevron":
            rows = ((0.5, 0.25), (1.5, -0.25))
            return _Screen(
                (1, 2),
                tuple([_Emitter(u, v, width / 3, height, slant) for v, slant in rows] for u in thirds),  # type: ignore[arg-type]
            )
        case "pentile":
            small, large = 0.45 * width, 0.6 * width
            green = [_Emitter(m + 0.5, n + 0.5, small, small) for m in (0, 1) for n in (0, 1)]
            red = [_Emitter(m, m, large, large) for m in (0, 1)]
            blue = [_Emitter(1 - m, m, large, large) for m in (0, 1)]
            return _Screen((2, 2), (red, green, blue))
        case "delta":
            across = 0.45 * width
            rows = ((0.5, 0.0), (1.5, 0.5))
            return _Screen(
                (1, 2),
                tuple([_Emitter(u + shift, v, across, 0.8 * height) for v, shift in rows] for u in thirds),  # type: ignore[arg-type]
            )
        case "led_wall":
            across = 0.3 * width
            places = ((0.3, 0.35), (0.7, 0.35), (0.5, 0.7))
            return _Screen((1, 1), tuple([_Emitter(u, v, across, across)] for u, v in places))  # type: ignore[arg-type]
    raise ValueError(f"layout must be one of {', '.join(SHARES)}, got {layout!r}")


def fourier_series(layout: str, width: float, height: float) -> Series:
    """The series of a layout whose subpixels fill `width` of their third and `height` of the pixel's height, in (0, 1].

    A rectangle a × b contributes a·b·sinc(a·fu)·sinc(b·fv); amplitudes are divided by the colour's mean light.
    """
    screen = _screen(layout, width, height)
    across, down = screen.cell
    frequencies = []
    for p in range(ORDER * across + 1):
        for q in range(-ORDER * down, ORDER * down + 1):
            if p > 0 or q > 0:
                frequencies.append((p / across, q / down))
    grid = np.array(frequencies)
    amplitudes = np.zeros((3, len(grid)), dtype=np.complex128)
    for colour, emitters in enumerate(screen.emitters):
        area = sum(e.width * e.height for e in emitters)
        for e in emitters:
            shape = np.sinc(e.width * grid[:, 0]) * np.sinc(e.height * (grid[:, 1] + e.slant * grid[:, 0]))
            phase = np.exp(-2j * math.pi * (grid @ np.array([e.u, e.v])))
            amplitudes[colour] += e.width * e.height / area * shape * phase
    kept = np.abs(amplitudes).max(axis=0) > 1e-9
    return Series(grid[kept], amplitudes[:, kept])


def emission(
    layout: str, width: float, height: float, u: NDArray[np.float64], v: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Light of a white screen at points (u, v), float64 (..., 3), mean 1: the shapes themselves, without a series."""
    screen = _screen(layout, width, height)
    across, down = screen.cell
    out = np.zeros((*u.shape, 3))
    for colour, emitters in enumerate(screen.emitters):
        area = sum(e.width * e.height for e in emitters)
        for e in emitters:
            y = (v - e.v + down / 2) % down - down / 2
            x = (u - e.u + e.slant * -y + across / 2) % across - across / 2
            inside = (np.abs(x) < e.width / 2) & (np.abs(y) < e.height / 2)
            out[..., colour] += inside * (across * down / area)
    return out
