"""Pictures as the report shows them: the whole, reduced, and one region at its true size."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
import PIL.Image

from degradations.contract import Image

_WHOLE = 480


@dataclass(frozen=True)
class Region:
    """A rectangle of a picture of `of_height` × `of_width`; all in pixels."""

    top: int
    left: int
    height: int
    width: int
    of_height: int
    of_width: int


@dataclass(frozen=True)
class View:
    """whole: JPEG with a long side of at most 480 px. detail: JPEG of the region, one image pixel a pixel."""

    whole: bytes
    detail: bytes


@dataclass(frozen=True)
class Exhibit:
    """Views of one sample with the same region in each."""

    degraded: View
    restored: View
    clean: View
    region: Region


def exhibit(degraded: Image, restored: Image, clean: Image) -> Exhibit:
    """Views of three pictures, uint8 (H, W, 3) of equal shape, with the most detailed 240 px of the clean one."""
    region = most_detailed(clean, 240)
    return Exhibit(view(degraded, region), view(restored, region), view(clean, region), region)


def view(image: Image, region: Region, long_side: int = _WHOLE) -> View:
    """`image` (uint8 (H, W, 3)) reduced to `long_side` pixels if it is larger, and its `region` unscaled."""
    window = image[region.top : region.top + region.height, region.left : region.left + region.width]
    return View(whole=_jpeg(image, long_side), detail=_jpeg(window, max(window.shape)))


def most_detailed(image: Image, side: int) -> Region:
    """The square of `side` pixels (less where the picture is smaller) with the most detail.

    That is the greatest mean gradient magnitude of the luma, on a grid of 8 px; the first of equals, row by row.
    """
    height, width = image.shape[:2]
    side_y, side_x = min(side, height), min(side, width)
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    gradient = cv2.magnitude(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    sums = cv2.integral(gradient, sdepth=cv2.CV_64F)
    tops = np.arange(0, height - side_y + 1, 8)[:, None]
    lefts = np.arange(0, width - side_x + 1, 8)[None, :]
    detail = (
        sums[tops + side_y, lefts + side_x]
        - sums[tops, lefts + side_x]
        - sums[tops + side_y, lefts]
        + sums[tops, lefts]
    )
    row, column = np.unravel_index(int(np.argmax(detail)), detail.shape)
    return Region(int(tops[row, 0]), int(lefts[0, column]), side_y, side_x, height, width)


def _jpeg(image: Image, long_side: int) -> bytes:
    picture = PIL.Image.fromarray(image)
    picture.thumbnail((long_side, long_side), PIL.Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85, subsampling="4:4:4")
    return buffer.getvalue()
