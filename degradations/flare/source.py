"""The light in a photograph that a flare belongs to."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.light import decode

#: Short side of the picture that is searched, pixels, and the longest one kept.
_SHORT, _LONGEST = 128, 512
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


class Source(NamedTuple):
    """x, y: pixels (0 is the middle of the first). colour: linear RGB of luminance 1, of the light just around it."""

    x: float
    y: float
    colour: NDArray[np.float32]


def brightest_blob(image: Image) -> Source:
    """The middle of the brightest blob of `image` (uint8 (H, W, 3), sRGB).

    The picture is searched at a short side of 128 for luminance, and a little more where it stands out and higher up,
    where lamps and the sun are. The blob is what is connected to the peak and reaches 97% of it; a blob smaller than a
    few samples is measured again in full size.
    """
    height, width = image.shape[:2]
    shrink = max(1.0, min(height, width) / _SHORT, max(height, width) / _LONGEST)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    light = decode(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA)).reshape(size[1], size[0], 3))
    luminance = np.asarray(light @ _LUMINANCE)
    near = cv2.GaussianBlur(luminance, (0, 0), 1.0).reshape(luminance.shape)
    wide = cv2.GaussianBlur(luminance, (0, 0), 8.0).reshape(luminance.shape)
    rows = np.linspace(0.5, -0.5, size[1], dtype=np.float32)[:, None]
    score = near + np.float32(0.3) * (near - wide) + np.float32(0.1) * near * rows
    peak_y, peak_x = divmod(int(score.argmax()), size[0])
    blob = _connected(near >= np.float32(0.97) * near[peak_y, peak_x], peak_x, peak_y)
    y, x = (float(axis.mean()) for axis in np.nonzero(blob))
    colour = _colour_around(light, luminance, blob)
    x, y = (x + 0.5) * width / size[0] - 0.5, (y + 0.5) * height / size[1] - 0.5
    if shrink > 1.0 and blob.sum() <= 16:
        x, y = _refined(image, x, y, math.ceil(2.0 * shrink))
    return Source(x, y, colour)


def _connected(mask: NDArray[np.bool_], x: int, y: int) -> NDArray[np.bool_]:
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1]
    return np.asarray(labels == labels[y, x])


def _colour_around(
    light: NDArray[np.float32], luminance: NDArray[np.float32], blob: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Mean linear RGB of luminance 1 in a ring about the blob, whose own colour is mostly clipped."""
    grown = cv2.dilate(blob.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    weight = luminance * (grown & (light.max(axis=2) < np.float32(0.98)))
    colour = np.tensordot(weight, light, axes=2) + np.float32(1e-4)
    return np.asarray(colour / (colour @ _LUMINANCE), dtype=np.float32)


def _refined(image: Image, x: float, y: float, reach: int) -> tuple[float, float]:
    """The middle of the brightest pixels within `reach` of (x, y)."""
    left, top = max(0, round(x) - reach), max(0, round(y) - reach)
    luminance = decode(image[top : top + 2 * reach + 1, left : left + 2 * reach + 1]) @ _LUMINANCE
    weight = np.maximum(luminance - np.float32(0.9) * luminance.max(), 0.0).astype(np.float64) + 1e-9
    rows, columns = weight.sum(axis=1), weight.sum(axis=0)
    total = weight.sum()
    return left + float(columns @ np.arange(columns.size) / total), top + float(rows @ np.arange(rows.size) / total)
