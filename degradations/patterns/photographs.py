"""A user's photograph of a pattern, as the pattern that banks hold."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.light import decode
from degradations.patterns.bank import Kind, Pattern

#: Longest side kept, pixels.
_LARGEST = 1024
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


def from_photograph(kind: Kind, photograph: Image) -> Pattern:
    """The pattern in a photograph (uint8 (h, w, 3), sRGB), laid out as `PatternBank` says.

    moire: of a plain grey or white screen; linear light over its own slow variation (Gaussian, σ a sixteenth).
    flare: of a lamp before black; linear light without its darkest level (1st percentile), the brightest part moved to
    the middle. haze: of mist before something plain; luminance over its mean, mirrored to be tileable. rain: of
    streaks before something dark; luminance above the median of its surroundings, mirrored. reflection: as it is.
    """
    photograph = _fitted(photograph)
    if kind == "reflection":
        return photograph
    light = decode(photograph)
    if kind == "moire":
        slow = cv2.GaussianBlur(light, (0, 0), max(light.shape[:2]) / 16)
        return _codes(128.0 * light / np.maximum(slow, np.float32(1e-3)))
    if kind == "flare":
        return _centred(_codes(255.0 * np.sqrt(_without_background(light))))
    luminance = np.asarray(light @ _LUMINANCE, dtype=np.float32)
    if kind == "haze":
        return _mirrored(_codes(128.0 * luminance / max(float(luminance.mean()), 1e-3)))
    wide = cv2.medianBlur(_codes(255.0 * luminance), 31).astype(np.float32) / np.float32(255.0)
    return _mirrored(_codes(255.0 * (luminance - wide) / np.maximum(1.0 - wide, 0.1)))


def _fitted(photograph: Image) -> Image:
    factor = _LARGEST / max(photograph.shape[:2])
    if factor >= 1:
        return photograph
    size = (max(1, round(photograph.shape[1] * factor)), max(1, round(photograph.shape[0] * factor)))
    return np.asarray(cv2.resize(photograph, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _codes(values: NDArray[Any]) -> Pattern:
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


def _without_background(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """`light` less its floor, its brightest kept: Flare7K (Dai et al. 2022)."""
    floor = np.quantile(light.reshape(-1, 3), 0.01, axis=0).astype(np.float32)
    brightest = max(float(light.max()), 1e-3)
    rest = np.maximum(light - floor, np.float32(0.0))
    return np.asarray(rest * np.float32(brightest / max(float(rest.max()), 1e-6)), dtype=np.float32)


def _centred(pattern: Pattern) -> Pattern:
    """`pattern` padded with black so that the middle of its brightest part is the middle."""
    total = cv2.blur(pattern.sum(axis=2, dtype=np.uint16).astype(np.float32), (9, 9))
    y, x = np.unravel_index(int(np.argmax(total)), total.shape)
    height, width = pattern.shape[:2]
    up, left = max(0, height - 1 - 2 * int(y)), max(0, width - 1 - 2 * int(x))
    down, right = max(0, 2 * int(y) - height + 1), max(0, 2 * int(x) - width + 1)
    return np.asarray(cv2.copyMakeBorder(pattern, up, down, left, right, cv2.BORDER_CONSTANT), dtype=np.uint8)


def _mirrored(pattern: Pattern) -> Pattern:
    """`pattern` (h, w) with its mirror images, (2h, 2w): tileable."""
    wide = np.concatenate([pattern, pattern[:, ::-1]], axis=1)
    return np.ascontiguousarray(np.concatenate([wide, wide[::-1]], axis=0))
