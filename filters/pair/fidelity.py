"""How far the degraded picture is from its clean target."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma

_HIGHEST_PSNR = 100.0
_SIGMA = 1.5
_WINDOW = (11, 11)
_C1, _C2 = np.float32((0.01 * 255.0) ** 2), np.float32((0.03 * 255.0) ** 2)


def psnr(degraded: NDArray[np.uint8], clean: NDArray[np.uint8]) -> dict[str, float]:
    """pair.psnr in dB over the three sRGB channels, peak 255; 100 for equal pictures and never more."""
    squared = cv2.norm(degraded, clean, cv2.NORM_L2SQR) / clean.size
    if squared == 0.0:
        return {"pair.psnr": _HIGHEST_PSNR}
    return {"pair.psnr": min(_HIGHEST_PSNR, 10.0 * math.log10(255.0**2 / squared))}


def ssim(degraded: Luma, clean: Luma) -> dict[str, float]:
    """pair.ssim: mean structural similarity of luma, at most 1 (Wang et al. 2004).

    Gaussian window of 11×11, σ = 1.5, K₁ = 0.01, K₂ = 0.03, population covariances; borders are mirrored, so that a
    picture smaller than the window has a value too.
    """
    squares = _local_mean(degraded * degraded + clean * clean)
    product = _local_mean(degraded * clean)
    return {"pair.ssim": _mean_similarity(_local_mean(degraded), _local_mean(clean), squares, product)}


def _local_mean(values: Luma) -> Luma:
    blurred: Luma = cv2.GaussianBlur(values, _WINDOW, _SIGMA, borderType=cv2.BORDER_REFLECT)
    return blurred


@numba.njit(cache=True, nogil=True)
def _mean_similarity(mean_d: Luma, mean_c: Luma, squares: Luma, product: Luma) -> float:
    """Mean of the similarity map, from local means of d, c, d² + c² and d·c."""
    total = 0.0
    for y in range(mean_d.shape[0]):
        row = np.float32(0.0)
        for x in range(mean_d.shape[1]):
            means = mean_d[y, x] * mean_c[y, x]
            mean_squares = mean_d[y, x] * mean_d[y, x] + mean_c[y, x] * mean_c[y, x]
            luminance = (np.float32(2.0) * means + _C1) / (mean_squares + _C1)
            structure = (np.float32(2.0) * (product[y, x] - means) + _C2) / (squares[y, x] - mean_squares + _C2)
            row += luminance * structure
        total += float(row)
    return total / mean_d.size
