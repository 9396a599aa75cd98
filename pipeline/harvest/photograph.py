"""The size at which a photograph is harvested."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def shrunk(pixels: Image, most: int) -> Image:
    """`pixels` (uint8 (H, W, 3)) with at most `most` of them, by area averaging; itself if it has no more, or for 0."""
    height, width = pixels.shape[:2]
    if not most or height * width <= most:
        return pixels
    factor = math.sqrt(most / (height * width))
    size = (max(1, math.floor(width * factor)), max(1, math.floor(height * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def fitted(reference: Image, photograph: Image) -> Image:
    """`reference` at the size of `photograph`: Lanczos where it grows, area averaging where it shrinks."""
    height, width = photograph.shape[:2]
    if reference.shape[:2] == (height, width):
        return reference
    grows = height * width > reference.shape[0] * reference.shape[1]
    how = cv2.INTER_LANCZOS4 if grows else cv2.INTER_AREA
    return np.asarray(cv2.resize(reference, (width, height), interpolation=how), dtype=np.uint8)


def size_scores(reference: Image, photograph: Image) -> dict[str, float]:
    """reference.enlargement: how many times a reference was enlarged to the photograph's short side (1: not at all).

    pair.aspect_difference: how much longer or shorter one is in proportion, as a ratio less 1; 0 for equal aspects.
    """
    heights, widths = (photograph.shape[axis] / reference.shape[axis] for axis in (0, 1))
    return {
        "reference.enlargement": max(1.0, min(heights, widths)),
        "pair.aspect_difference": max(heights, widths) / min(heights, widths) - 1.0,
    }
