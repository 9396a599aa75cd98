"""Statistics of haze: what is dark in clear air is grey, pale and flat in haze."""

from __future__ import annotations

import cv2
import numpy as np

from filters.luma import Luma
from filters.statistics.planes import Planes, levels, log_ratio

#: Side of the dark channel's window at a long side of 160 pixels.
_WINDOW = 7


def haze(planes: Planes) -> dict[str, float]:
    """statistics.haze.*: of the picture at a long side of 160 px, in [0, 1] or logarithms.

    dark, dark_low, dark_high: mean, first and ninth decile of the dark channel (He et al. 2009), minimum over channels
    and a window of 7 px; dark_top, dark_fall: of the upper third, and how much it lies above the lower third's.
    contrast: mean of local standard deviation over local mean; contrast_top: of the upper third; global: standard
    deviation of luma. airlight: how near to grey, and airlight_level: how bright, the colour is where the dark channel
    is highest. saturation, saturation_low: mean and first decile of 1 − min / max. black: .5% quantile of luma.
    veil: correlation of the dark channel with the loss of local contrast.
    """
    small = planes.small
    least, most = small.min(axis=2), small.max(axis=2)
    dark = cv2.erode(least, np.ones((_WINDOW, _WINDOW), np.uint8))
    saturation = 1.0 - least / np.maximum(most, 1.0 / 255.0)
    local = _contrast(planes.grey)
    third = max(1, small.shape[0] // 3)
    low, high, highest = (float(v) for v in levels(dark, (0.1, 0.9, 0.98)))
    brightest = dark >= min(highest, float(dark.max()))
    air = small[brightest].mean(axis=0, dtype=np.float64)
    pale, vivid = (float(v) for v in levels(saturation, (0.1, 0.9)))
    return {
        "statistics.haze.dark": float(dark.mean(dtype=np.float64)),
        "statistics.haze.dark_low": low,
        "statistics.haze.dark_high": high,
        "statistics.haze.dark_top": float(dark[:third].mean(dtype=np.float64)),
        "statistics.haze.dark_fall": float(dark[:third].mean(dtype=np.float64) - dark[-third:].mean(dtype=np.float64)),
        "statistics.haze.contrast": float(local.mean(dtype=np.float64)),
        "statistics.haze.contrast_top": float(local[:third].mean(dtype=np.float64)),
        "statistics.haze.contrast_high": float(levels(local, (0.95,))[0]),
        "statistics.haze.global": float(planes.grey.std(dtype=np.float64)),
        "statistics.haze.airlight": 1.0 - float(air.max() - air.min()) / max(float(air.max()), 1.0 / 255.0),
        "statistics.haze.airlight_level": float(air.mean()),
        "statistics.haze.saturation": float(saturation.mean(dtype=np.float64)),
        "statistics.haze.saturation_low": pale,
        "statistics.haze.saturation_high": vivid,
        "statistics.haze.black": float(levels(planes.grey, (0.005,))[0]),
        "statistics.haze.least": log_ratio(float(levels(least, (0.01,))[0]) + 0.004, float(most.max()) + 0.004),
        "statistics.haze.veil": _correlation(dark, -np.log(local + 0.01)),
    }


def _contrast(grey: Luma) -> Luma:
    """Local standard deviation over local mean, windows of 9 px."""
    mean = cv2.blur(grey, (9, 9), borderType=cv2.BORDER_REFLECT)
    square = cv2.blur(grey * grey, (9, 9), borderType=cv2.BORDER_REFLECT)
    contrast: Luma = np.sqrt(np.maximum(square - mean * mean, 0.0)) / (mean + np.float32(0.02))
    return contrast


def _correlation(a: Luma, b: Luma) -> float:
    x, y = a - a.mean(dtype=np.float64), b - b.mean(dtype=np.float64)
    scale = float(np.square(x).sum(dtype=np.float64) * np.square(y).sum(dtype=np.float64)) ** 0.5
    return float((x * y).sum(dtype=np.float64)) / scale if scale > 1e-9 else 0.0
