"""The one channel that most scores read."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.float32]


def luma(pixels: NDArray[np.uint8]) -> Luma:
    """BT.601 luma, float32 (H, W) in 8-bit codes 0-255, of uint8 (H, W, 3) sRGB."""
    grey: NDArray[np.uint8] = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return grey.astype(np.float32)
