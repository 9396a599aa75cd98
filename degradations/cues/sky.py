"""Where the sky is: bright or blue, smooth, connected to the top edge."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

#: A sky smaller than this share of the picture is taken for a gap between leaves or a lamp.
SMALLEST_SHARE = 0.015
#: Mean slope of the steepest channel (per pixel, at about 300 pixels of short side) of a smooth and a cloudy region.
SMOOTH, CLOUDY = 0.018, 0.06
#: How far a cloud may fall below the mean sky of its row, in luma, and how far its colour may stray.
DARKER, STRAYING = 0.12, 0.25


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


def _by_row(plane: Plane, sky: NDArray[np.bool_]) -> Plane:
    """Mean of `plane` over the sky of each row, float32 (h,), interpolated where a row has none."""
    number = sky.sum(axis=1)
    rows = np.flatnonzero(number)
    means = (plane * sky).sum(axis=1, dtype=np.float64)[rows] / number[rows]
    return np.interp(np.arange(len(sky)), rows, means).astype(np.float32)


def find_sky(rgb: Plane, luma: Plane) -> NDArray[np.bool_]:
    """The sky of a small picture (float32 (h, w, 3) and its luma (h, w), sRGB in [0, 1]): bool (h, w).

    Regions of sky colour grow from the top edge while they are smooth, then through clouds, which are rougher but not
    much darker than the smooth sky beside them (what stands before the sky is). High in the picture, no colour is asked
    for: a dark zenith.
    """
    across, down = cv2.Sobel(rgb, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(rgb, cv2.CV_32F, 0, 1, scale=0.125)
    slope = cv2.blur(np.sqrt(across * across + down * down).max(axis=2), (5, 5))
    coloured = _sky_coloured(rgb)
    top = np.zeros(luma.shape, dtype=bool)
    top[: max(1, luma.shape[0] // 50)] = True
    smooth = _touching(coloured & (slope < SMOOTH), top)
    if smooth.mean() < SMALLEST_SHARE:
        return np.zeros(luma.shape, dtype=bool)
    near = np.ones(luma.shape, dtype=bool)
    for channel in range(3):
        stray = np.abs(rgb[..., channel] - _by_row(rgb[..., channel], smooth)[:, None])
        near &= stray < STRAYING
    bright = luma > _by_row(luma, smooth)[:, None] - np.float32(DARKER)
    sky = _touching(smooth | (coloured & near & bright & (slope < CLOUDY)), smooth)
    ends = len(sky) - np.argmax(sky[::-1], axis=0)[sky.any(axis=0)]
    high = (np.arange(len(sky)) < np.median(ends))[:, None]
    return _touching(sky | (high & (slope < CLOUDY)), sky)
