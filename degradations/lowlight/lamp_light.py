"""The colour of lamps."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

_XYZ_TO_SRGB = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)
#: Luminance of linear sRGB.
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def planckian(kelvin: float) -> tuple[float, float]:
    """Chromaticity (x, y) of a black body at 1667-25000 K: the cubic splines of Kim et al. (2002).

    Raises ValueError outside.
    """
    if not 1667.0 <= kelvin <= 25000.0:
        raise ValueError(f"the colour of a black body is known from 1667 to 25000 K, got {kelvin}")
    t = 1000.0 / kelvin
    if kelvin <= 4000.0:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin <= 2222.0:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin <= 4000.0:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    return x, y


@cache
def lamp_colour(kelvin: float) -> NDArray[np.float64]:
    """Linear sRGB of a black body at `kelvin` relative to one at 6500 K, luminance 1, float64 (3,), all positive."""
    colour = _linear_rgb(kelvin) / _linear_rgb(6500.0)
    return np.asarray(colour / (LUMINANCE @ colour))


def _linear_rgb(kelvin: float) -> NDArray[np.float64]:
    x, y = planckian(kelvin)
    return np.maximum(_XYZ_TO_SRGB @ np.array([x / y, 1.0, (1.0 - x - y) / y]), 0.02)
