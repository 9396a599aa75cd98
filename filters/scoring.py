"""All scores of an image, and of a pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filters.luma import luma
from filters.pair.alignment import alignment, correlate
from filters.pair.contrast import contrast
from filters.pair.fidelity import psnr, ssim
from filters.pair.flow import flow
from filters.pair.fringes import fringes
from filters.pair.light import light
from filters.pair.residual import residual
from filters.pair.skeleton import skeleton
from filters.pair.strength import strength
from filters.pair.structure import structure
from filters.source.bandwidth import bandwidth
from filters.source.blockiness import blockiness
from filters.source.exposure import exposure
from filters.source.noise_level import noise_level
from filters.source.resolution import resolution
from filters.source.sharpness import sharpness


def score_source(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """All `source.*` scores of a clean target, uint8 (H, W, 3) sRGB of any size; NaN where one cannot be measured."""
    grey = luma(pixels)
    return {
        **resolution(pixels),
        **sharpness(grey),
        **noise_level(grey),
        **bandwidth(grey),
        **blockiness(grey),
        **exposure(pixels),
    }


def score_pair(degraded: NDArray[np.uint8], clean: NDArray[np.uint8], degradation: str) -> dict[str, float]:
    """All `pair.*` scores of two pictures, uint8 (H, W, 3) sRGB of one size; NaN where one cannot be measured.

    `degradation` is the intended one: it chooses the measures of pair.strength and pair.shift.
    Raises ValueError if the sizes differ.
    """
    if degraded.shape != clean.shape:
        raise ValueError(f"a pair of {degraded.shape} and {clean.shape}; make them one size first")
    grey_degraded, grey_clean = luma(degraded), luma(clean)
    spectra, rest = correlate(grey_degraded, grey_clean, degradation)
    scores = {
        **psnr(degraded, clean),
        **ssim(grey_degraded, grey_clean),
        **contrast(grey_degraded, grey_clean),
        **residual(degraded, clean),
        **light(degraded, clean),
        **fringes(degraded, clean),
        **alignment(spectra, rest, degradation),
        **flow(spectra),
        **structure(grey_degraded, grey_clean, degradation),
        **skeleton(grey_degraded, grey_clean, degradation),
    }
    return {**scores, **strength(scores, degradation)}
