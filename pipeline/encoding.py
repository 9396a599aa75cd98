"""Encoding of pixels, always lossless, and which targets need none."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.decoding import Decoded

_OWN_EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp"}

_PARAMETERS = {
    "png": [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE],
    "webp": [cv2.IMWRITE_WEBP_QUALITY, 101],  # above 100: lossless
}


def encode_lossless(image: NDArray[np.uint8], kind: Literal["png", "webp"]) -> bytes:
    """`image` (uint8 (H, W, 3), RGB) as PNG (run-length strategy: about half the time of the default) or WebP."""
    done, data = cv2.imencode(f".{kind}", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _PARAMETERS[kind])
    if not done:
        raise ValueError(f"{kind} cannot hold an image of shape {image.shape}")
    return data.tobytes()


#: Long side of a thumbnail in pixels, and its JPEG quality.
_THUMBNAIL_SIDE, _THUMBNAIL_QUALITY = 320, 85


def thumbnail(image: NDArray[np.uint8]) -> bytes:
    """`image` (uint8 (H, W, 3), RGB) as a JPEG of at most 320 pixels a side."""
    factor = min(1.0, _THUMBNAIL_SIDE / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, _THUMBNAIL_QUALITY]
    return cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), quality)[1].tobytes()


def clean_extension(decoded: Decoded) -> str:
    """The extension of a clean target: that of its own bytes when nothing had to change, else png."""
    return _OWN_EXTENSIONS[decoded.format] if decoded.unchanged else "png"
