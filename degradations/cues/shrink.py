"""Small copies of a picture."""

from __future__ import annotations

import cv2
import numpy as np

from degradations.contract import Image


def shrink(image: Image, height: int, width: int) -> Image:
    """`image` (uint8 (H, W, 3)) at (height, width), neither larger than its own.

    Blocks of whole pixels are averaged, which is the fast part; the rest is bilinear.
    """
    factor = min(image.shape[0] // height, image.shape[1] // width)
    if factor > 1:
        size = (image.shape[1] // factor, image.shape[0] // factor)
        image = np.asarray(
            cv2.resize(image[: size[1] * factor, : size[0] * factor], size, interpolation=cv2.INTER_AREA)
        )
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR))


def fitting(height: int, width: int, pixels: int) -> tuple[int, int]:
    """Height and width of a picture of the same aspect with at most about `pixels` pixels, and no larger."""
    scale = min(1.0, (pixels / (height * width)) ** 0.5)
    return max(1, round(height * scale)), max(1, round(width * scale))


def shrink_to(image: Image, pixels: int) -> Image:
    """`image` (uint8 (H, W, 3)) with at most about `pixels` pixels and its aspect, or itself where it is no larger."""
    return shrink(image, *fitting(image.shape[0], image.shape[1], pixels))
