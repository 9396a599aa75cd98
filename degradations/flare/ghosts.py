"""Ghosts: images of the iris by light mirrored twice between lens surfaces."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

#: Colours that anti-reflection coatings leave, linear RGB.
_COATINGS = np.array(
    [[0.35, 1.0, 0.45], [1.0, 0.4, 0.75], [0.4, 0.85, 1.0], [1.0, 0.7, 0.35], [0.6, 0.5, 1.0], [0.9, 1.0, 0.8]]
)
_BITS = 4


def draw_ghosts(rng: np.random.Generator, size: int) -> Float:
    """Linear light of 4-15 ghosts, float32 (size, size, 3), about 1 in the brightest; the source is in the middle.

    The picture's centre c lies to the right of the source l, .25-.5 of half a side away, and every ghost at
    c + k(c − l), k in [−1.8, 1.8]: a polygon of one iris, larger or smaller, with a rim, coloured by a coating, each
    colour at its own magnification.
    """
    half = (size - 1) / 2
    offset = rng.uniform(0.25, 0.5) * half
    sides, turn = int(rng.choice([0, 5, 6, 7, 8, 9], p=[0.35, 0.1, 0.2, 0.15, 0.1, 0.1])), rng.uniform(0, 2 * math.pi)
    light = np.zeros((size, size, 3), dtype=np.float32)
    for _ in range(int(rng.integers(4, 16))):
        place = offset * (1.0 + rng.uniform(-1.8, 1.8))
        radius = half * math.exp(rng.uniform(math.log(0.012), math.log(0.16)))
        coating = _COATINGS[int(rng.integers(len(_COATINGS)))] ** rng.uniform(0.4, 1.2)
        # A larger image of the iris shares the same light over more pixels.
        level = math.exp(rng.uniform(math.log(0.15), 0.0)) * min(1.0, 0.03 * half / radius) ** 0.8
        fringe, rim = rng.normal(0.0, 0.02, 2), rng.uniform(0.0, 0.9)
        soft = radius * math.exp(rng.uniform(math.log(0.02), math.log(0.15)))
        for channel in range(3):
            shift = 1.0 + fringe[0] * (channel - 1)
            grown = radius * (1.0 + fringe[1] * (channel - 1))
            outline = _outline(half + place * shift, half, grown, sides, turn)
            _add(light[:, :, channel], outline, level * coating[channel], rim, soft)
    return light


def _outline(x: float, y: float, radius: float, sides: int, turn: float) -> NDArray[np.float64]:
    corners = sides or 64
    angle = turn + 2.0 * math.pi * np.arange(corners) / corners
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def _add(plane: Float, outline: NDArray[np.float64], level: float, rim: float, soft: float) -> None:
    """Adds one soft-edged polygon to `plane` (h, w), brighter by `rim` towards its edge."""
    margin = 3.0 * soft + 2.0
    left, top = (max(0, math.floor(value - margin)) for value in outline.min(axis=0))
    right, bottom = (min(plane.shape[0], math.ceil(value + margin) + 1) for value in outline.max(axis=0))
    if right <= left or bottom <= top:
        return
    mask = np.zeros((bottom - top, right - left), dtype=np.uint8)
    points = np.round((outline - (left, top)) * 2**_BITS).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, _BITS)
    filled = mask.astype(np.float32) / np.float32(255.0)
    inner = cv2.GaussianBlur(filled, (0, 0), max(3.0 * soft, 0.5))
    shape = cv2.GaussianBlur(filled, (0, 0), max(soft, 0.3))
    shade = np.float32(1.0 - rim) + np.float32(2.0 * rim) * (np.float32(1.0) - inner)
    plane[top:bottom, left:right] += np.float32(level) * shape * shade
