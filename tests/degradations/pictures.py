"""Crops of real photographs for the tests of this room."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from jobs.demo_photos import demo_photos

_NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "china.jpg", "rocket.jpg")


@cache
def crops(count: int, height: int = 192, width: int = 192) -> list[np.ndarray]:
    """The middles of the first `count` colour photographs, uint8 (height, width, 3)."""
    found = {path.name: path for path in demo_photos()}
    out = []
    for name in _NAMES[:count]:
        image = cv2.imread(str(found[name]), cv2.IMREAD_COLOR_RGB)
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        out.append(np.ascontiguousarray(image[top : top + height, left : left + width]))
    return out


def mean_square_error(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.mean((first.astype(np.float64) - second) ** 2))


def smooth_crop(height: int, width: int) -> np.ndarray:
    """A photograph without fine detail, whose position survives sampling at a sixth of its size."""
    return cv2.GaussianBlur(crops(2)[1], (0, 0), 3)[:height, :width].copy()


def shift(first: np.ndarray, second: np.ndarray) -> float:
    """Length in px of the translation between two pictures: least squares on their gradients (Lucas and Kanade 1981)."""  # noqa: E501
    a, b = (
        cv2.GaussianBlur(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).astype(np.float64), (0, 0), 3)[12:-12, 12:-12]
        for p in (first, second)
    )
    dy, dx = np.gradient((a + b) / 2)
    terms = np.stack([dy.ravel(), dx.ravel(), np.ones(a.size)], axis=1)
    solution = np.linalg.lstsq(terms, (a - b).ravel(), rcond=None)[0]
    return float(np.hypot(*solution[:2]))
