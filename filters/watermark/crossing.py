"""Lines drawn from corner to corner, as previews have."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

#: Long side to which the picture is reduced; pixels to each side of a diagonal that are looked at; pixels along it that
#: are averaged; pixels by which the line may miss the diagonal; shortest diagonal.
_LONG_SIDE, _REACH, _PIECE, _MISSED, _SHORTEST = 1024, 12, 24, 4, 240
#: Codes by which a piece of a line must differ from both its sides; part of the diagonal left out at each end.
_FAINTEST, _ENDS = 1.0, 0.03


def crossing(pixels: NDArray[np.uint8]) -> float:
    """How much of the weaker diagonal of uint8 (H, W, 3) sRGB is a line, in [0, 1]; NaN for small pictures.

    A piece counts when it is lighter than both its sides, or for dark lines darker. Photographs stay below 0.3: an
    edge along the very diagonal differs from one of its sides alone.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    factor = max(1, round(max(grey.shape) / _LONG_SIDE))
    if factor > 1:
        height, width = (max(1, side // factor) for side in grey.shape)
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    if math.hypot(*grey.shape) < _SHORTEST or min(grey.shape) < 4 * _REACH:
        return math.nan
    return min(_line(grey), _line(np.ascontiguousarray(grey[:, ::-1])))


def _line(grey: NDArray[np.uint8]) -> float:
    """Share of the diagonal from the upper left that is a line."""
    height, width = grey.shape
    length = math.hypot(height, width)
    along, down = width / length, height / length
    warp = np.array([[along, -down, _REACH * down], [down, along, -_REACH * along]], dtype=np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    band = cv2.warpAffine(grey, warp, (int(length), 2 * _REACH + 1), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    first, pieces = int(_ENDS * length), int((1 - 2 * _ENDS) * length) // _PIECE
    band = band[:, first : first + pieces * _PIECE].astype(np.float32)
    profile = cv2.resize(band, (pieces, band.shape[0]), interpolation=cv2.INTER_AREA)
    best = 0.0
    for row in range(_REACH - _MISSED, _REACH + _MISSED + 1):
        before, after = profile[row - 6 : row - 3].mean(0), profile[row + 4 : row + 7].mean(0)
        lighter = np.mean(profile[row] - np.maximum(before, after) > _FAINTEST)
        darker = np.mean(np.minimum(before, after) - profile[row] > _FAINTEST)
        best = max(best, float(lighter), float(darker))
    return best
