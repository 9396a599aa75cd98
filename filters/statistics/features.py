"""All statistics of a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filters.statistics.blur import blur
from filters.statistics.compression import compression
from filters.statistics.flare import flare
from filters.statistics.haze import haze
from filters.statistics.lowlight import lowlight
from filters.statistics.moire import moire
from filters.statistics.noise import noise
from filters.statistics.planes import planes
from filters.statistics.rain import rain
from filters.statistics.reflection import reflection

_ALL = (blur, noise, compression, haze, lowlight, moire, flare, rain, reflection)


def statistics(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """`statistics.DEGRADATION.NAME` of uint8 (H, W, 3), sRGB, of any size; NaN where one cannot be measured.

    Fine structure is read in five tiles of 160×160 pixels at the picture's own size, coarse structure in the picture
    shrunk to a long side of 160. No thread count and no other picture changes a value.
    """
    parts = planes(pixels)
    scores: dict[str, float] = {}
    for measure in _ALL:
        scores |= measure(parts)
    return scores
