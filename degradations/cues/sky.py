"""Where the sky is: bright or blue, smooth, connected to the top edge."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

#: A sky smaller than this share of the picture is taken for a gap between leaves or a lamp.
SMALLEST_SHARE = 0.015
#: Mean slope of the luma (per pixel, at about 250 pixels of short side) below which a region counts as smooth.
SMOOTH, NEARLY_SMOOTH = 0.018, 0.06


def _sky_coloured(rgb: Plane) -> NDArray[np.bool_]:
    """Blue and not too dark, or bright and grey, or very bright and warm as at sunset."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value, low = rgb.max(axis=2), rgb.min(axis=2)
    is_blue = (blue > 1.08 * red) & (blue > 0.97 * green) & (value > 0.3)
    is_grey = (value - low < 0.16 * value) & (value > 0.62)
    is_warm = (red >= green) & (green >= 0.55 * red) & (value > 0.8)
    return np.asarray(is_blue | is_grey | is_warm)


def _touching(mask: NDArray[np.bool_], seeds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The connected parts of `mask` that hold a pixel of `seeds`."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    kept = np.zeros(int(labels.max()) + 1, dtype=bool)
    kept[labels[seeds & mask]] = True
    kept[0] = False
    return np.asarray(kept[labels])


def find_sky(rgb: Plane, luma: Plane) -> NDArray[np.bool_]:
    """The sky of a small picture (float32 (h, w, 3) and its luma (h, w), sRGB in [0, 1]): bool (h, w).

    Regions of sky colour grow from smooth ones at the top edge, through slightly rougher ones (clouds).
    """
    slope = cv2.blur(
        cv2.magnitude(cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=0.125)),
        (5, 5),
    )
    coloured = _sky_coloured(rgb)
    top = np.zeros(luma.shape, dtype=bool)
    top[: max(1, luma.shape[0] // 50)] = True
    smooth = _touching(coloured & (slope < SMOOTH), top)
    if smooth.mean() < SMALLEST_SHARE:
        return np.zeros(luma.shape, dtype=bool)
    return _touching(coloured & (slope < NEARLY_SMOOTH), smooth)
