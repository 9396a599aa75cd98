"""Resizing that keeps the picture where it is."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.area import shrink_area

Interpolation = Literal["area", "linear", "cubic"]

_FLAGS = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


def resize(image: NDArray[Any], size: tuple[int, int], interpolation: Interpolation) -> NDArray[Any]:
    """`image` (uint8 or float32 (H, W, 3)) at `size` (height, width), outer edges on outer edges.

    Pixel centres sit at half-integers on both sides, so the picture does not shift; linear and cubic do not
    antialias when they shrink, as in PyTorch's `interpolate`. Area enlarges linearly.
    """
    height, width = size
    if (height, width) == image.shape[:2]:
        return image
    if interpolation == "area" and (height > image.shape[0] or width > image.shape[1]):
        interpolation = "linear"
    if interpolation == "area" and (image.shape[0] % height or image.shape[1] % width):
        return shrink_area(image, size)
    return np.asarray(cv2.resize(image, (width, height), interpolation=_FLAGS[interpolation]))


def scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """`size` (height, width) times `factor`, rounded, at least one pixel."""
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
