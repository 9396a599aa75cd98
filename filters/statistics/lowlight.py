"""Statistics of low light: where the luma lies, and how noisy its shadows are."""

from __future__ import annotations

import math

import cv2
import numpy as np

from filters.statistics.planes import Planes, levels, log_ratio

_QUANTILES = {"low": 0.05, "quarter": 0.25, "median": 0.5, "upper": 0.75, "high": 0.95, "highest": 0.995}


def lowlight(planes: Planes) -> dict[str, float]:
    """statistics.lowlight.*: quantiles of luma in [0, 1] (which fall as it darkens), and

    dark: share of luma below 1/8. light: minus the log of mean linear light (γ = 2.2). shadows: log of the scatter of
    shadows (local luma below .2) over their level, at the picture's own size; NaN without shadows. levels: share of
    codes that no pixel of the tiles has, between the darkest and the brightest.
    """
    grey = planes.grey
    values = levels(grey, tuple(_QUANTILES.values()))
    scores = {f"statistics.lowlight.{name}": float(value) for name, value in zip(_QUANTILES, values, strict=True)}
    linear = float(np.power(planes.small, np.float32(2.2)).mean(dtype=np.float64))
    scores["statistics.lowlight.dark"] = float((grey < 0.125).mean())
    scores["statistics.lowlight.light"] = -math.log(linear + 1e-4)
    scores["statistics.lowlight.shadows"] = _shadows(planes)
    scores["statistics.lowlight.levels"] = _gaps(planes)
    return scores


def _shadows(planes: Planes) -> float:
    count = scatter = level = 0.0
    for tile in planes.luma:
        smooth = cv2.GaussianBlur(tile, (7, 7), 1.5, borderType=cv2.BORDER_REFLECT)
        shade = (smooth < 51.0).astype(np.uint8)
        here = cv2.countNonZero(shade)
        count += here
        scatter += here * cv2.mean(cv2.absdiff(tile, smooth), shade)[0]
        level += here * cv2.mean(smooth, shade)[0]
    return log_ratio(scatter / count + 0.05, level / count + 2.0) if count else math.nan


def _gaps(planes: Planes) -> float:
    counts = cv2.calcHist(list(planes.codes), [1], None, [256], [0, 256]).ravel()
    present = np.flatnonzero(counts)
    span = int(present[-1] - present[0]) + 1
    return 1.0 - present.size / span
