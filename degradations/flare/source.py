"""The lights in a photograph that a flare belongs to."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.light import decode

Float = NDArray[np.float32]

#: Short side of the picture that is searched, pixels, and the longest one kept.
_SHORT, _LONGEST = 128, 512
_LUMINANCE = (np.float32(0.2126), np.float32(0.7152), np.float32(0.0722))
#: A further light has this share of the first one's luminance, twice that of its surroundings, and few samples.
_SHARE, _SAMPLES = 0.6, 60
#: Distance between two lights, samples.
_APART = 16


class Source(NamedTuple):
    """x, y: pixels (0 is the middle of the first). colour: linear RGB of luminance 1, of the light just around it.
    power: its light, relative to the first source, at most 1."""

    x: float
    y: float
    colour: Float
    power: float


def brightest_blobs(image: Image, count: int = 1) -> list[Source]:
    """The brightest blob of `image` (uint8 (H, W, 3), sRGB), and up to `count` − 1 other lamps.

    The picture is searched at a short side of 128 for luminance, and a little more where it stands out and higher up,
    where lamps and the sun are. A blob is what is connected to a peak and reaches 97% of it, its place the middle; a
    blob smaller than a few samples is measured again in full size.
    """
    height, width = image.shape[:2]
    shrink = max(1.0, min(height, width) / _SHORT, max(height, width) / _LONGEST)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    light = decode(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA)).reshape(size[1], size[0], 3))
    luminance = _luminance(light)
    near = cv2.GaussianBlur(luminance, (0, 0), 1.0).reshape(luminance.shape)
    wide = cv2.GaussianBlur(luminance, (0, 0), 8.0).reshape(luminance.shape)
    rows = np.linspace(0.5, -0.5, size[1], dtype=np.float32)[:, None]
    score = near + np.float32(0.3) * (near - wide) + np.float32(0.1) * near * rows
    found: list[Source] = []
    first = 0.0
    for _ in range(count):
        peak_y, peak_x = divmod(int(score.argmax()), size[0])
        level = float(near[peak_y, peak_x])
        blob = _connected(near >= np.float32(0.97 * level), peak_x, peak_y)
        samples = int(blob.sum())
        if found and (level < _SHARE * first or level < 2.0 * wide[peak_y, peak_x] or samples > _SAMPLES):
            break
        first = first or level
        y, x = (float(axis.mean()) for axis in np.nonzero(blob))
        near_by = (slice(max(0, int(axis) - _APART), int(axis) + _APART + 1) for axis in (y, x))
        score[tuple(near_by)] = -np.inf
        score[blob] = -np.inf
        colour = _colour_around(light, luminance, blob)
        x, y = (x + 0.5) * width / size[0] - 0.5, (y + 0.5) * height / size[1] - 0.5
        if shrink > 1.0 and samples <= 16:
            x, y = _refined(image, x, y, math.ceil(2.0 * shrink))
        found.append(Source(x, y, colour, level * min(samples, _SAMPLES)))
        if not np.isfinite(score).any():
            break
    return [source._replace(power=min(1.0, source.power / max(found[0].power, 1e-9))) for source in found]


def _luminance(light: Float) -> Float:
    # Not as a matrix product: its sums depend on the number of threads.
    red, green, blue = _LUMINANCE
    return np.asarray(red * light[..., 0] + green * light[..., 1] + blue * light[..., 2])


def _connected(mask: NDArray[np.bool_], x: int, y: int) -> NDArray[np.bool_]:
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1]
    return np.asarray(labels == labels[y, x])


def _colour_around(light: Float, luminance: Float, blob: NDArray[np.bool_]) -> Float:
    """Mean linear RGB of luminance 1 in a ring about the blob, whose own colour is mostly clipped."""
    grown = cv2.dilate(blob.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    weight = luminance * (grown & (light.max(axis=2) < np.float32(0.98)))
    colour = (weight[:, :, None] * light).sum(axis=(0, 1)) + np.float32(1e-4)
    return np.asarray(colour / _luminance(colour), dtype=np.float32)


def _refined(image: Image, x: float, y: float, reach: int) -> tuple[float, float]:
    """The middle of the brightest pixels within `reach` of (x, y)."""
    left, top = max(0, round(x) - reach), max(0, round(y) - reach)
    luminance = _luminance(decode(image[top : top + 2 * reach + 1, left : left + 2 * reach + 1]))
    weight = np.maximum(luminance - np.float32(0.9) * luminance.max(), 0.0).astype(np.float64) + 1e-9
    rows, columns = weight.sum(axis=1), weight.sum(axis=0)
    total = weight.sum()
    x, y = (columns * np.arange(columns.size)).sum() / total, (rows * np.arange(rows.size)).sum() / total
    return left + float(x), top + float(y)
