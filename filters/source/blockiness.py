"""How much the 8×8 blocks of JPEG show."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma

_BLOCK = 8
#: A step larger than this is content, in codes.
_LARGEST = 24.0


def blockiness(grey: Luma) -> dict[str, float]:
    """source.blockiness ≥ 0: how much larger steps across block borders are than elsewhere, less 1; 0 for none.

    The mean size of second differences (steps less the slopes beside them), capped at 24 codes, is taken for each of
    the eight phases of columns and of rows; the phase that stands out most over the median of the others is the grid,
    so cropped pictures count too. The mean of both directions. After the measure of Wang, Sheikh and Bovik (2002). NaN
    for pictures with a side below 32.
    """
    if min(grey.shape) < 4 * _BLOCK:
        return {"source.blockiness": float("nan")}
    return {"source.blockiness": 0.5 * (_excess(grey, 1) + _excess(grey, 0))}


def _excess(grey: Luma, axis: int) -> float:
    kernel = np.array([-0.5, 1.5, -1.5, 0.5], dtype=np.float32)
    shape = (1, 4) if axis else (4, 1)
    steps = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel.reshape(shape), anchor=(1, 0) if axis else (0, 1)))
    profile = cv2.reduce(np.minimum(steps, _LARGEST), 0 if axis else 1, cv2.REDUCE_AVG).ravel()[2:-2]
    usable = profile[: profile.size // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    phases: NDArray[np.float64] = np.median(usable, axis=0).astype(np.float64)
    place = int(np.argmax(phases))
    others = float(np.median(np.delete(phases, place)))
    return float(phases[place]) / (others + 0.05) - 1.0 if phases[place] > others else 0.0
