"""How the picture is exposed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

#: Codes at and below which a pixel is black, and at and above which it is white.
_BLACK, _WHITE = 2, 253
#: Shares of the pixels between whose light the dynamic range lies.
_DARKEST, _LIGHTEST = 0.005, 0.995


def exposure(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """source.clipped_dark, source.clipped_light: shares of pixels whose luma is black (at most 2) or white (at least
    253). source.mean_light: mean luma in [0, 1]. source.dynamic_range: stops between the linear light of the darkest
    and the lightest half per cent of the pixels (the sRGB curve undone, black counted as half a code).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    counts = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    share = np.cumsum(counts) / grey.size
    dark, light = (int(np.searchsorted(share, at)) for at in (_DARKEST, _LIGHTEST))
    return {
        "source.clipped_dark": float(share[_BLACK]),
        "source.clipped_light": float(1.0 - share[_WHITE - 1]),
        "source.mean_light": float((counts * np.arange(256)).sum() / grey.size / 255.0),
        "source.dynamic_range": float(np.log2(_linear(light) / _linear(dark))),
    }


def _linear(code: int) -> float:
    value = max(code, 0.5) / 255.0
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
