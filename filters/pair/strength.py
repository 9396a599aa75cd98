"""How strongly the pair is degraded, by the measure that the intended degradation calls for."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

#: Residual of noise and of fringes, in 8-bit codes, at which their strength is one half.
_HALF_NOISE, _HALF_FRINGES = 20.0, 10.0


def strength(scores: Mapping[str, float], degradation: str) -> dict[str, float]:
    """pair.strength in [0, 1], from the other scores of the pair; 0 is an untouched picture.

    noise: σ/(σ + 20) of pair.residual_sigma. blur: the mean share of detail and of contrast lost, of
    pair.detail_ratio and pair.contrast_ratio. haze: the share of contrast lost, 1 − pair.contrast_ratio. lowlight: the
    share of light lost, pair.light_lost. flare, reflection: the share of light added, pair.light_added. rain: what
    either added light or changed structure, 1 − (1 − pair.light_added) · pair.ssim. moire: σ/(σ + 10) of
    pair.fringe_sigma. Any other (compression, realesrgan): 1 − pair.ssim. NaN where a score it is made of is NaN.
    """
    match degradation:
        case "noise":
            value = _saturating(scores["pair.residual_sigma"], _HALF_NOISE)
        case "blur":
            kept = np.minimum(1.0, [scores["pair.detail_ratio"], scores["pair.contrast_ratio"]])
            value = 1.0 - float(kept.mean())
        case "haze":
            value = 1.0 - scores["pair.contrast_ratio"]
        case "lowlight":
            value = scores["pair.light_lost"]
        case "flare" | "reflection":
            value = scores["pair.light_added"]
        case "rain":
            value = 1.0 - (1.0 - scores["pair.light_added"]) * scores["pair.ssim"]
        case "moire":
            value = _saturating(scores["pair.fringe_sigma"], _HALF_FRINGES)
        case _:
            value = 1.0 - scores["pair.ssim"]
    return {"pair.strength": value if math.isnan(value) else min(1.0, max(0.0, value))}


def _saturating(sigma: float, half: float) -> float:
    return sigma / (sigma + half)
