"""DepictQA's 35 functions by name: (image, figures, angle in degrees, pixel seed) → image, uint8 (H, W, 3), sRGB."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from degradations import codecs
from degradations.contract import Image
from degradations.depictqa import blurs, noises, quantisation, tones

Function = Callable[[Image, tuple[float, ...], float, int], Image]


def _jpeg(image: Image, figures: tuple[float, ...], angle: float, seed: int) -> Image:
    return codecs.jpeg(image, int(figures[0]))


def _jpeg2000(image: Image, figures: tuple[float, ...], angle: float, seed: int) -> Image:
    return codecs.jpeg2000(image, figures[0])


def _oversharpen(image: Image, figures: tuple[float, ...], angle: float, seed: int) -> Image:
    smooth = cv2.GaussianBlur(image, (5, 5), 0)
    return np.asarray(cv2.addWeighted(image, 1.0 + figures[0], smooth, -figures[0], 0.0), dtype=np.uint8)


def _pixelate(image: Image, figures: tuple[float, ...], angle: float, seed: int) -> Image:
    height, width = image.shape[:2]
    size = max(1, int(width * figures[0])), max(1, int(height * figures[0]))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), dtype=np.uint8)


FUNCTIONS: dict[str, Function] = {
    "blur_gaussian": blurs.gaussian,
    "blur_motion": blurs.motion,
    "blur_glass": blurs.glass,
    "blur_lens": blurs.lens,
    "blur_zoom": blurs.zoom,
    "blur_jitter": blurs.jitter,
    "noise_gaussian_rgb": noises.gaussian_rgb,
    "noise_gaussian_ycrcb": noises.gaussian_ycrcb,
    "noise_speckle": noises.speckle,
    "noise_spatially_correlated": noises.spatially_correlated,
    "noise_poisson": noises.poisson,
    "noise_impulse": noises.impulse,
    "compression_jpeg": _jpeg,
    "compression_jpeg2000": _jpeg2000,
    "brighten_shift_hsv": tones.shift_hsv,
    "brighten_shift_rgb": tones.shift_rgb,
    "brighten_gamma_hsv": tones.gamma_hsv,
    "brighten_gamma_rgb": tones.gamma_rgb,
    "darken_shift_hsv": tones.shift_hsv,
    "darken_shift_rgb": tones.shift_rgb,
    "darken_gamma_hsv": tones.gamma_hsv,
    "darken_gamma_rgb": tones.gamma_rgb,
    "contrast_strengthen_scale": tones.contrast_scale,
    "contrast_strengthen_stretch": tones.contrast_stretch,
    "contrast_weaken_scale": tones.contrast_scale,
    "contrast_weaken_stretch": tones.contrast_stretch,
    "saturate_strengthen_hsv": tones.saturation_hsv,
    "saturate_strengthen_ycrcb": tones.saturation_ycrcb,
    "saturate_weaken_hsv": tones.saturation_hsv,
    "saturate_weaken_ycrcb": tones.saturation_ycrcb,
    "oversharpen": _oversharpen,
    "pixelate": _pixelate,
    "quantize_otsu": quantisation.otsu,
    "quantize_median": quantisation.median_cut,
    "quantize_hist": quantisation.histogram,
}
