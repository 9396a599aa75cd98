"""Which falling drops a picture shows: their sizes, speeds and distances.

Sources: Marshall and Palmer (1948), sizes; Atlas, Srivastava and Sekhon (1973), terminal velocity.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

#: Drops per m³ and mm of diameter, at diameter 0.
N0 = 8000.0
#: Diameters in mm.
SMALLEST, LARGEST = 0.4, 6.0
#: Drops farther than this (m) are too fine to be seen one by one.
FARTHEST = 60.0
#: The faintest streak drawn one by one: about half a code against mid grey.
FAINTEST = 0.006

_SIZES = np.linspace(SMALLEST, LARGEST, 225)


class Drops(NamedTuple):
    """diameter in mm, distance in m, opacity along its streak; each float64 (n,)."""

    diameter: Values
    distance: Values
    line_opacity: Values


def slope(rate_mm_h: float) -> float:
    """Λ = 4.1·R^−.21 in 1/mm: N(D) = 8000·e^(−ΛD)."""
    return float(4.1 * rate_mm_h**-0.21)


def fall_speed(diameter: Values) -> Values:
    """Terminal velocity in m/s of drops of `diameter` mm."""
    return np.asarray(np.maximum(9.65 - 10.3 * np.exp(-0.6 * diameter), 0.05))


def line_opacity(diameter: Values, exposure_s: float, gain: float) -> Values:
    """How opaque a streak wider than a pixel is: the share of the exposure during which the drop covers a point."""
    return np.asarray(np.minimum(1.0, gain * 1e-3 * diameter / (fall_speed(diameter) * exposure_s)))


def _visible_up_to(faintest: float, lines: Values, focal_px: float, nearest: float) -> Values:
    """Distance in m up to which opacity line·min(1, f·D/z) is at least `faintest`, by size."""
    far = np.where(lines >= faintest, focal_px * 1e-3 * _SIZES * lines / faintest, 0.0)
    return np.asarray(np.clip(far, nearest, max(nearest, FARTHEST)))


def sample(
    rng: np.random.Generator,
    rate_mm_h: float,
    exposure_s: float,
    gain: float,
    focal_px: float,
    nearest_m: float,
    solid_angle: float,
    most: int,
) -> Drops:
    """The drops in view whose streaks are not too faint, about `most` at most (the most opaque).

    In the cone of `solid_angle` (pixels over focal_px²) the number at distance z grows as z²; sizes follow Marshall
    and Palmer. The opacity below which drops are left to the veil is `FAINTEST`, or what leaves `most` of them.
    """
    density = N0 * np.exp(-slope(rate_mm_h) * _SIZES)
    lines = line_opacity(_SIZES, exposure_s, gain)

    def shares(faintest: float) -> tuple[Values, Values]:
        reach = _visible_up_to(faintest, lines, focal_px, nearest_m)
        return reach, density * solid_angle / 3.0 * np.maximum(reach**3 - nearest_m**3, 0.0) * (_SIZES[1] - _SIZES[0])

    low, high = np.log(FAINTEST), 0.0
    if shares(FAINTEST)[1].sum() > most:
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if shares(float(np.exp(middle)))[1].sum() > most else (low, middle)
        low = high
    reach, numbers = shares(float(np.exp(low)))
    expected = float(numbers.sum())
    count = min(int(rng.poisson(expected)), most)
    if count == 0:
        empty = np.zeros(0)
        return Drops(empty, empty, empty)
    cumulative = np.concatenate([[0.0], np.cumsum(numbers)]) / expected
    edges = np.concatenate([_SIZES - (_SIZES[1] - _SIZES[0]) / 2, [_SIZES[-1] + (_SIZES[1] - _SIZES[0]) / 2]])
    diameter = np.interp(rng.random(count), cumulative, edges)
    farthest = np.interp(diameter, _SIZES, reach)
    distance = np.cbrt(nearest_m**3 + rng.random(count) * (farthest**3 - nearest_m**3))
    return Drops(diameter, distance, line_opacity(diameter, exposure_s, gain))
