"""Lamps in haze at night: the light that the air around them scatters towards the camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Light = NDArray[np.float32]

#: Linear level above which a pixel of a dark scene is a lamp, and mean luminance from which a scene is not dark.
LAMP, DARK = 0.2, 0.12
#: σ of the parts of the glow, in shares of the short side, and their weights: Gaussians that add up to a long tail.
SPREADS, WEIGHTS = (0.012, 0.04, 0.13), (0.3, 0.35, 0.35)


def lamp_glow(light: Light, luminance: Light, strength: float) -> Light | None:
    """Light around the lamps of a night scene, float32 (h, w, 3), or None where there is no night or no lamp.

    light: linear, float32 (h, w, 3), its luminance (h, w). A lamp is brighter than the photograph's white by up to
    `strength`. A long-tailed glow stands for the multiple scattering of Narasimhan and Nayar (2003).
    """
    night = 1.0 - float(luminance.mean()) / DARK
    if night <= 0.0 or float(light.max()) <= LAMP:
        return None
    lamps = np.maximum(light - np.float32(LAMP), np.float32(0.0)) * np.float32(strength * night)
    short = min(light.shape[:2])
    glow = np.zeros_like(light)
    for spread, weight in zip(SPREADS, WEIGHTS, strict=True):
        sigma = spread * short
        factor = max(1, int(sigma / 1.5))
        size = (max(1, light.shape[1] // factor), max(1, light.shape[0] // factor))
        small = cv2.resize(lamps, size, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), max(0.3, sigma / factor), borderType=cv2.BORDER_REPLICATE)
        glow += np.float32(weight) * np.asarray(
            cv2.resize(small.reshape(size[1], size[0], 3), (light.shape[1], light.shape[0]))
        ).reshape(light.shape)
    return glow
