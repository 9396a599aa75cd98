"""A short fingerprint that near copies of a picture share."""

from __future__ import annotations

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

_REDUCED = 128


def perceptual_hash(pixels: NDArray[np.uint8]) -> str:
    """64-bit DCT hash of uint8 (H, W, 3) sRGB pixels as 16 hex digits (ImageHash's phash, Zauner 2010).

    Two hashes differ in few bits when one picture is a resized, recompressed or slightly retouched copy of the other.
    The picture is first `reduced`; one that already is gives the same.
    """
    return str(imagehash.phash(Image.fromarray(reduced(pixels))))


def reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) as uint8 (128, 128, 3) by area averaging; itself if it has that size."""
    return np.asarray(cv2.resize(pixels, (_REDUCED, _REDUCED), interpolation=cv2.INTER_AREA))
