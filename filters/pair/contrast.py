"""How much of the clean picture's contrast the degraded one still has, fine and coarse."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np

from filters.luma import Luma

#: Mean squared contrast, in codes², below which there is nothing to compare.
_FAINTEST = 0.25


def contrast(degraded: Luma, clean: Luma) -> dict[str, float]:
    """pair.detail_ratio and pair.contrast_ratio: share of the clean picture's contrast left, 1 when all of it is.

    Detail is what a Gaussian of σ = 2 px takes away; contrast is what one of σ = 4 px takes away from the picture
    shrunk to a quarter, structures of about 8 to 50 px. Each is the slope of the least-squares line from the clean
    band to the degraded band, so noise that was added counts neither for nor against; above 1 the degraded picture
    has more. NaN where the clean picture has none (less than half a code).
    """
    detail = _slope(_band(degraded, 2.0), _band(clean, 2.0))
    quarter = [_band(_quarter(grey), 4.0) for grey in (degraded, clean)]
    return {"pair.detail_ratio": detail, "pair.contrast_ratio": _slope(*quarter)}


def _band(grey: Luma, sigma: float) -> Luma:
    return grey - cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)


def _quarter(grey: Luma) -> Luma:
    height, width = (max(1, side // 4) for side in grey.shape)
    shrunk: Luma = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return shrunk


def _slope(degraded: Luma, clean: Luma) -> float:
    product, energy = _dots(degraded, clean)
    if energy < _FAINTEST * clean.size:
        return math.nan
    return product / energy


@numba.njit(cache=True, nogil=True)
def _dots(a: Luma, b: Luma) -> tuple[float, float]:
    """Sums of a·b and of b², row by row in single precision, rows in double: the same for any number of threads."""
    product, energy = 0.0, 0.0
    for y in range(a.shape[0]):
        row_product, row_energy = np.float32(0.0), np.float32(0.0)
        for x in range(a.shape[1]):
            row_product += a[y, x] * b[y, x]
            row_energy += b[y, x] * b[y, x]
        product += np.float64(row_product)
        energy += np.float64(row_energy)
    return product, energy
