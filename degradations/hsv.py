"""Brightness and saturation as the HSV model has them, without rounding hue or saturation to codes."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image


@numba.njit(cache=True, nogil=True)
def _with_value(image: Image, factors: NDArray[np.float32], black: Any, out: Image) -> None:
    half = np.float32(0.5)
    for i in range(image.shape[0]):
        top = max(image[i, 0], image[i, 1], image[i, 2])
        for channel in range(3):
            value = np.float32(image[i, channel]) * factors[top] if top > 0 else black
            out[i, channel] = np.uint8(np.int32(min(value, np.float32(255.0)) + half))


def with_value(image: Image, curve: NDArray[np.float64]) -> Image:
    """`image` (uint8 (H, W, 3)) with V moved along `curve` (256 values in codes, clipped), hue and saturation kept."""
    levels = np.clip(curve, 0.0, 255.0)
    factors = (levels / np.maximum(np.arange(256), 1)).astype(np.float32)
    flat = np.ascontiguousarray(image).reshape(-1, 3)
    out = np.empty_like(flat)
    _with_value(flat, factors, np.float32(levels[0]), out)
    return out.reshape(image.shape)


@numba.njit(cache=True, nogil=True)
def _with_saturation(image: Image, scale: Any, out: Image) -> None:
    half = np.float32(0.5)
    for i in range(image.shape[0]):
        top = max(image[i, 0], image[i, 1], image[i, 2])
        spread = top - min(image[i, 0], image[i, 1], image[i, 2])
        factor = scale
        if spread > 0:
            factor = min(scale, np.float32(top) / np.float32(spread))
        for channel in range(3):
            below = np.float32(top - image[i, channel]) * factor
            out[i, channel] = np.uint8(np.int32(max(np.float32(top) - below, np.float32(0.0)) + half))


def with_saturation(image: Image, scale: float) -> Image:
    """`image` (uint8 (H, W, 3)) with S times `scale` (≥ 0), at most 1; hue and value kept. Greys stay grey."""
    flat = np.ascontiguousarray(image).reshape(-1, 3)
    out = np.empty_like(flat)
    _with_saturation(flat, np.float32(scale), out)
    return out.reshape(image.shape)
