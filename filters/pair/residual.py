"""What was added to the clean picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_WINDOW = (9, 9)


def residual(degraded: NDArray[np.uint8], clean: NDArray[np.uint8]) -> dict[str, float]:
    """pair.residual_sigma: root mean square, over the three sRGB channels, of degraded − clean less its mean over
    9×9 pixels, in 8-bit codes. Changes of exposure and colour do not count, noise and grain up to a few pixels do.
    """
    difference = cv2.subtract(degraded, clean, dtype=cv2.CV_32F)
    fine = difference - cv2.boxFilter(difference, cv2.CV_32F, _WINDOW, borderType=cv2.BORDER_REFLECT)
    return {"pair.residual_sigma": float(np.sqrt(np.vdot(fine, fine) / fine.size))}
