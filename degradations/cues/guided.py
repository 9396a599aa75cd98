"""The guided filter with a grey guide.

Source: He, Sun and Tang (2010), "Guided Image Filtering"; coefficients from a small picture applied to a large guide as
in He and Sun (2015), "Fast Guided Filter".
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def _mean(plane: NDArray[np.floating], radius: int) -> Plane:
    return np.asarray(cv2.blur(plane, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT))


def coefficients(guide: Plane, plane: Plane, radius: int, epsilon: float) -> tuple[Plane, Plane]:
    """Fields a and b, float32 (h, w), such that a·guide + b follows `plane` with the edges of `guide`.

    guide in [0, 1] and plane: float32 (h, w). radius: of the window, pixels. epsilon: variance of the guide below
    which it is not followed.
    """
    radius = max(1, min(radius, min(guide.shape)))
    mean_guide, mean_plane = _mean(guide, radius), _mean(plane, radius)
    covariance = _mean(guide * plane, radius) - mean_guide * mean_plane
    variance = _mean(guide * guide, radius) - mean_guide * mean_guide
    a = covariance / (np.maximum(variance, 0.0) + np.float32(epsilon))
    b = mean_plane - a * mean_guide
    return _mean(a, radius), _mean(b, radius)


def guided_filter(guide: Plane, plane: Plane, radius: int, epsilon: float) -> Plane:
    """`plane` smoothed along the edges of `guide`: float32 (h, w)."""
    a, b = coefficients(guide, plane, radius, epsilon)
    return a * guide + b
