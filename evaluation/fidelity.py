"""Full-reference fidelity: PSNR and SSIM."""

from __future__ import annotations

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from degradations.contract import Image, check_image

#: PSNR of identical pictures, whose true value is infinite, and the most that any pair gets.
PSNR_CAP = 100.0
_WINDOW = 11
_BAND = 512


def psnr(a: Image, b: Image) -> float:
    """Peak signal-to-noise ratio in dB over all pixels and channels: 10·log10(255² / MSE), at most 100 dB.

    a, b: uint8 (H, W, 3), of equal shape. The squared error is summed exactly, so the value depends on no thread count.
    Raises ValueError for other shapes or dtypes.
    """
    _check_pair(a, b)
    return min(float(cv2.PSNR(a, b, 255.0)), PSNR_CAP)


def ssim(a: Image, b: Image) -> float:
    """Mean structural similarity of the three sRGB channels, in [-1, 1]; 1 means identical.

    Source: Wang et al. 2004: data range 255, K1 0.01, K2 0.03, Gaussian window 11×11 with σ 1.5, averaged over the
    windows that lie wholly inside the picture, in float64 (float32 is off by 2e-4 in flat areas, where the variance is
    a difference of large numbers). A side shorter than 11 is lengthened to 11 by repeating its border.

    a, b: uint8 (H, W, 3), of equal shape. Works in bands of 512 rows: memory grows with the width only.
    Raises ValueError for other shapes or dtypes.
    """
    _check_pair(a, b)
    a, b = _at_least_window(a), _at_least_window(b)
    overlap = _WINDOW - 1
    total = 0.0
    for top in range(0, a.shape[0] - overlap, _BAND):
        band = slice(top, top + _BAND + overlap)
        mean = structural_similarity(
            a[band],
            b[band],
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=2,
        )
        total += float(mean) * (len(a[band]) - overlap)
    return total / (a.shape[0] - overlap)


def _check_pair(a: Image, b: Image) -> None:
    check_image(a)
    check_image(b)
    if a.shape != b.shape:
        raise ValueError(f"the pictures differ in shape: {a.shape} and {b.shape}; compare pictures of equal size")


def _at_least_window(image: Image) -> Image:
    missing = [max(0, _WINDOW - side) for side in image.shape[:2]]
    if not any(missing):
        return image
    around = [(side // 2, side - side // 2) for side in missing]
    return np.pad(image, (*around, (0, 0)), mode="edge")
