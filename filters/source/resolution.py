"""How large the picture is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resolution(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """source.width, source.height, source.short_side in pixels and source.aspect = long side / short side (≥ 1)."""
    height, width = pixels.shape[:2]
    short, long = min(height, width), max(height, width)
    return {
        "source.width": float(width),
        "source.height": float(height),
        "source.short_side": float(short),
        "source.aspect": long / short,
    }
