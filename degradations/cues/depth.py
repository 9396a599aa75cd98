"""Depth without a network: the embedded default.

A prior, not a measurement. It holds what most photographs have in common: the ground comes nearer towards the lower
edge, upright things stand where their foot is, air and distance lighten the dark channel, the sharp part is often the
near subject, and the sky is infinitely far.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image, check_image
from degradations.cues.guided import guided_filter
from degradations.cues.segments import superpixels
from degradations.cues.shrink import shrink_to
from degradations.cues.sky import find_sky
from degradations.scene import DepthCue

Plane = NDArray[np.float32]

PROVIDER = "prior"
VERSION = "1"

#: Pixels of the picture on which depth is computed, and of the one that is cut into superpixels.
DEPTH_PIXELS, SEGMENT_PIXELS = 90_000, 16_000
#: Height of the horizon (share of the picture from the top): its range, and where no sky shows it.
HORIZON, HORIZON_UNSEEN = (0.25, 0.6), 0.4


def _horizon(sky: NDArray[np.bool_]) -> float:
    """Where the ground vanishes, as a share of the height: near the lowest end of the sky."""
    columns = sky.any(axis=0)
    if columns.mean() < 0.1:
        return HORIZON_UNSEEN
    height = sky.shape[0]
    ends = height - np.argmax(sky[::-1], axis=0)[columns]
    return float(np.clip(np.quantile(ends, 0.8) / height, *HORIZON))


@numba.njit(cache=True, nogil=True)
def _stand(labels: NDArray[np.int32], sky: NDArray[np.bool_], ramp: Plane, horizon: float) -> Plane:
    """Disparity of each segment as a plane: upright on its foot, or lying on the ground."""
    height, width = labels.shape
    count = labels.max() + 1
    top = np.full(count, height, dtype=np.int32)
    foot = np.zeros(count, dtype=np.int32)
    left = np.full(count, width, dtype=np.int32)
    right = np.zeros(count, dtype=np.int32)
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            top[k] = min(top[k], y)
            foot[k] = max(foot[k], y)
            left[k] = min(left[k], x)
            right[k] = max(right[k], x)
    upright = np.empty(count, dtype=np.float32)
    for k in range(count):
        span, rise = (right[k] - left[k] + 1) / width, (foot[k] - top[k] + 1) / height
        above = min(1.0, max(0.0, (horizon + 0.1 - top[k] / height) / 0.2)) * (1.0 - span * span)
        upright[k] = max(above, 0.5 * min(1.0, rise / span) * (1.0 - span))
    # From the lowest foot upwards: what ends above the ground stands on what is below it.
    order = np.argsort(-foot * np.int64(count) + np.arange(count))
    base = np.zeros(count, dtype=np.float32)
    for k in order:
        base[k] = ramp[foot[k]]
        if foot[k] / height > horizon + 0.05 or foot[k] == height - 1:
            continue
        total, number = 0.0, 0
        for x in range(left[k], right[k] + 1):
            for y in range(foot[k], top[k] - 1, -1):
                if labels[y, x] == k:
                    if not sky[y + 1, x]:
                        below = labels[y + 1, x]
                        total += upright[below] * base[below] + (1.0 - upright[below]) * ramp[y + 1]
                        number += 1
                    break
        if number > 0:
            base[k] = max(base[k], np.float32(0.95 * total / number))
    out = np.empty((height, width), dtype=np.float32)
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            out[y, x] = upright[k] * base[k] + (1.0 - upright[k]) * ramp[y]
    return out


def _planes(small: Image, sky: NDArray[np.bool_], horizon: float) -> Plane:
    """Disparity by superpixels, float32 of the shape of `sky`."""
    coarse = shrink_to(small, SEGMENT_PIXELS)
    height, width = coarse.shape[:2]
    labels = superpixels(np.asarray(cv2.GaussianBlur(coarse, (0, 0), 0.8)), 300.0, max(4, height * width // 600))
    coarse_sky = cv2.resize(sky.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
    planes = _stand(labels, coarse_sky, _ramp(height, horizon), horizon)
    return np.asarray(cv2.resize(planes, (sky.shape[1], sky.shape[0]), interpolation=cv2.INTER_LINEAR))


def _ramp(height: int, horizon: float) -> Plane:
    """Disparity of level ground by row, float32 (height,): linear from 0 at the horizon to 1 at the lower edge."""
    rows = (np.arange(height, dtype=np.float32) + np.float32(0.5)) / np.float32(height)
    return np.clip((rows - np.float32(horizon)) / np.float32(1.0 - horizon), 0.0, 1.0)


def _sharpness(luma: Plane, radius: int) -> Plane:
    """Local detail in [0, 1], float32 (h, w), relative to the sharpest part."""
    detail = cv2.blur(np.abs(cv2.Laplacian(luma, cv2.CV_32F)), (2 * radius + 1, 2 * radius + 1))
    return np.asarray(np.clip(detail / (np.quantile(detail, 0.95) + 1e-3), 0.0, 1.0), dtype=np.float32)


def estimate_depth(image: Image) -> DepthCue:
    """Relative depth of `image` (uint8 (H, W, 3), sRGB), with at most about 90,000 pixels and the picture's aspect.

    A blend of level ground below an estimated horizon, superpixels as planes, the dark channel (He, Sun and Tang 2009)
    and sharpness, smoothed by a guided filter. Deterministic. Raises ValueError for anything but such an image.
    """
    check_image(image)
    small = shrink_to(image, DEPTH_PIXELS)
    height, width = small.shape[:2]
    rgb = small.astype(np.float32) / np.float32(255.0)
    luma = rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    reach = max(1, round(min(height, width) / 40))

    sky = find_sky(rgb, luma)
    horizon = _horizon(sky)
    dark = cv2.erode(rgb.min(axis=2), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    disparity = (
        np.float32(0.5) * _planes(small, sky, horizon)
        + np.float32(0.25) * _ramp(height, horizon)[:, None]
        + np.float32(0.15) * _sharpness(luma, 2 * reach)
        + np.float32(0.1) * (np.float32(1.0) - dark)
    )
    land = disparity[~sky]
    if land.size > 0:
        far, near = np.quantile(land, (0.02, 0.98))
        disparity = (disparity - np.float32(far)) / np.float32(max(near - far, 1e-3))
    disparity[sky] = 0.0
    soft_sky = np.clip(guided_filter(luma, sky.astype(np.float32), reach, 1e-4), 0.0, 1.0)
    smooth = np.clip(guided_filter(luma, np.clip(disparity, 0.0, 1.0), 2 * reach, 1e-3), 0.0, 1.0)
    return DepthCue(smooth, soft_sky, PROVIDER, VERSION)


class DepthPrior:
    """`estimate_depth` as a provider."""

    provider, version, batch = PROVIDER, VERSION, 1

    def load(self) -> None:
        """Nothing is heavy here."""

    def estimate(self, images: Sequence[Image]) -> list[DepthCue]:
        """Depth of each image (uint8 (H, W, 3), sRGB)."""
        return [estimate_depth(image) for image in images]
