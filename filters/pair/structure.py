"""Whether a pair shows the same content, once the degradation's expected effect is taken away."""

from __future__ import annotations

import math

import cv2
import numpy as np

from filters.luma import Luma

#: Pictures are reduced by a whole number to about this short side, pixels; below `_SMALLEST` nothing is compared.
_SIDE, _SMALLEST = 256, 16
#: Sides, pixels of the reduced picture, of the window whose mean is taken away, of that of the local correlation and of
#: the neighbourhood that tells how much contrast the degradation leaves there.
_COARSEST, _WINDOW, _NEIGHBOURHOOD = 27, 13, 63
#: σ, pixels of the reduced picture, by which both are smoothed; a blur hides its own extent.
_SIGMA, _SIGMA_BLUR = 1.0, 4.0
#: Variance, codes², of structure that is noise.
_NOISE = 4.0
#: Degradations that lay structure of their own over the picture's.
_ADDING = frozenset({"rain", "flare", "reflection"})
#: Structure is changed where less than this share of its variance is explained by the other picture.
_EXPLAINED = 0.25
#: Unexplained variance, in multiples of the picture's median, from which it is no noise of the degradation.
_OUTSTANDING = 4.0
#: Side, pixels of the reduced picture, below which a change is a speck.
_SPECK = 7


def structure(degraded: Luma, clean: Luma, degradation: str) -> dict[str, float]:
    """pair.structure in [0, 1]: how far the clean picture's structure is found in the degraded one, 1 wholly.
    pair.changed in [0, 1]: share of the area whose structure only one of them shows, or each another.

    Local correlation in windows of 13×13 pixels of pictures reduced to a short side near 256 and smoothed (more for
    blur), less their local means: veils and exposure do not count, and contrast is compared with what the
    neighbourhood kept of it. Structure is changed where a quarter of its variance or less follows linearly from the
    other picture, and the rest is more than noise usual in the pair. What rain, flares and reflections add is
    expected: for them only structure of the clean picture that the degraded one lacks is a change. NaN below 16 pixels
    a side and where the clean picture has no structure.
    """
    scale = max(1, round(min(clean.shape) / _SIDE))
    small = [_reduced(grey, scale, _SIGMA_BLUR if degradation == "blur" else _SIGMA) for grey in (degraded, clean)]
    if min(small[0].shape) < _SMALLEST:
        return {"pair.structure": math.nan, "pair.changed": math.nan}
    d, c = small
    d, c = (plane - _mean(plane, _COARSEST) for plane in (d, c))
    var_d, var_c, cov = (_mean(product, _WINDOW) for product in (d * d, c * c, d * c))
    # Running sums of a box leave a rest below 0 on flat ground.
    var_d, var_c = np.maximum(var_d, 0), np.maximum(var_c, 0)
    noise = np.float32(_NOISE)
    if float(var_c.mean()) < 0.02 * noise:
        return {"pair.structure": math.nan, "pair.changed": math.nan}
    # Contrast that is left, of a neighbourhood: the slope of degraded on clean.
    left = np.maximum(_mean(cov, _NEIGHBOURHOOD), 0) / (_mean(var_c, _NEIGHBOURHOOD) + noise)
    expected = left * left * var_c
    explained = np.where(cov > 0, cov * cov / (var_c + noise), 0)
    added = np.maximum(var_d - explained, 0)
    usual = np.float32(_OUTSTANDING) * (np.float32(np.median(added)) + noise)
    changed = (expected > usual) & (explained < _EXPLAINED * expected)
    if degradation not in _ADDING:
        changed |= (added > usual) & (explained < _EXPLAINED * var_d)
    kernel = np.ones((_SPECK, _SPECK), np.uint8)
    opened = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    weight = np.sqrt(expected)
    correlation = np.clip(cov, 0, None) / np.sqrt((var_d + noise) * (var_c + noise))
    total = float(weight.sum())
    agreement = float((correlation * weight).sum()) / total if total > 0 else 0.0
    return {"pair.structure": min(1.0, agreement), "pair.changed": float(opened.mean())}


def _reduced(grey: Luma, scale: int, sigma: float) -> Luma:
    if scale > 1:
        height, width = (side // scale for side in grey.shape)
        grey = cv2.resize(grey[: height * scale, : width * scale], (width, height), interpolation=cv2.INTER_AREA)
    smooth: Luma = cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return smooth


def _mean(plane: Luma, side: int) -> Luma:
    mean: Luma = cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT)
    return mean
