"""DepictQA's functions: their classes, their figures at levels 1-5, and which classes go together."""

from __future__ import annotations

#: The function's figure or figures at levels 1 to 5.
Figures = tuple[tuple[float, ...], ...]


def _single(*values: float) -> Figures:
    return tuple((value,) for value in values)


FIGURES: dict[str, Figures] = {
    "blur_gaussian": _single(1, 2, 3, 4, 5),  # σ px
    "blur_motion": ((5, 3), (10, 5), (15, 7), (15, 9), (20, 12)),  # radius, σ px
    "blur_glass": ((0.7, 1, 1), (0.9, 2, 1), (1.2, 2, 2), (1.4, 3, 2), (1.6, 4, 2)),  # σ, shift px, iterations
    "blur_lens": _single(2, 3, 4, 6, 8),  # radius px
    "blur_zoom": _single(1.03, 1.06, 1.10, 1.15, 1.21),  # end of the zoom
    "blur_jitter": _single(1, 2, 3, 4, 5),  # shift px
    "noise_gaussian_rgb": _single(0.05, 0.10, 0.15, 0.20, 0.25),  # σ of 1
    "noise_gaussian_ycrcb": ((0.05, 1), (0.06, 1.45), (0.07, 1.9), (0.08, 2.35), (0.09, 2.8)),  # σ of Y, chroma × it
    "noise_speckle": _single(0.14, 0.21, 0.28, 0.35, 0.42),  # σ of the value
    "noise_spatially_correlated": _single(0.08, 0.11, 0.14, 0.18, 0.22),  # σ of 1, then a 3×3 box
    "noise_poisson": _single(80, 60, 40, 25, 15),  # photons at white
    "noise_impulse": _single(0.01, 0.03, 0.05, 0.07, 0.10),  # share of values
    "compression_jpeg": _single(25, 18, 12, 8, 5),  # quality
    "compression_jpeg2000": _single(29, 27.5, 26, 24.5, 23),  # dB
    "brighten_shift_hsv": _single(0.1, 0.2, 0.3, 0.4, 0.5),  # of V
    "brighten_shift_rgb": _single(0.1, 0.15, 0.2, 0.27, 0.35),  # of 1
    "brighten_gamma_hsv": _single(0.7, 0.58, 0.47, 0.36, 0.25),  # exponent
    "brighten_gamma_rgb": _single(0.8, 0.7, 0.6, 0.45, 0.3),
    "darken_shift_hsv": _single(-0.1, -0.2, -0.3, -0.4, -0.5),
    "darken_shift_rgb": _single(-0.1, -0.15, -0.2, -0.27, -0.35),
    "darken_gamma_hsv": _single(1.5, 1.8, 2.2, 2.7, 3.5),
    "darken_gamma_rgb": _single(1.4, 1.7, 2.1, 2.6, 3.2),
    "contrast_strengthen_scale": _single(1.4, 1.7, 2.1, 2.6, 4.0),  # about the mean grey
    "contrast_strengthen_stretch": _single(2, 4, 6, 8, 10),  # exponent of 1/(1 + (m/x)^c)
    "contrast_weaken_scale": _single(0.75, 0.6, 0.45, 0.3, 0.2),
    "contrast_weaken_stretch": _single(1.0, 0.9, 0.8, 0.6, 0.4),
    "saturate_strengthen_hsv": _single(3, 6, 12, 20, 64),  # factor
    "saturate_strengthen_ycrcb": _single(2, 3, 5, 8, 16),
    "saturate_weaken_hsv": _single(0.7, 0.55, 0.4, 0.2, 0.0),
    "saturate_weaken_ycrcb": _single(0.6, 0.4, 0.2, 0.1, 0.0),
    "oversharpen": _single(2, 2.8, 4, 6, 8),  # amount of a 5×5 unsharp mask
    "pixelate": _single(0.5, 0.4, 0.3, 0.25, 0.2),  # of the size
    "quantize_otsu": _single(15, 11, 8, 5, 3),  # classes a channel
    "quantize_median": _single(20, 15, 10, 6, 3),  # colours a channel
    "quantize_hist": _single(24, 16, 8, 6, 4),  # bins
}

_CLASSES = (
    "blur",
    "noise",
    "compression",
    "brighten",
    "darken",
    "contrast_strengthen",
    "contrast_weaken",
    "saturate_strengthen",
    "saturate_weaken",
    "oversharpen",
    "pixelate",
    "quantize",
)
#: The functions of each of the twelve classes.
CLASSES: dict[str, tuple[str, ...]] = {
    name: tuple(function for function in FIGURES if function.startswith(name)) for name in _CLASSES
}

_TONES = (
    "brighten",
    "darken",
    "contrast_strengthen",
    "contrast_weaken",
    "saturate_strengthen",
    "saturate_weaken",
)
#: The classes that may follow a class in a picture with two. Not symmetric: nothing but brightening follows sharpening.
FOLLOWERS: dict[str, tuple[str, ...]] = {
    "blur": (*_TONES, "compression", "noise", "quantize"),
    "noise": (*_TONES, "blur", "compression", "oversharpen", "pixelate"),
    "compression": (*_TONES, "blur", "noise"),
    "brighten": ("blur", "compression", "noise", "pixelate", "quantize"),
    "darken": ("blur", "compression", "noise", "pixelate", "quantize"),
    "contrast_strengthen": ("blur", "compression", "noise", "pixelate", "quantize"),
    "contrast_weaken": ("blur", "compression", "noise", "pixelate", "quantize"),
    "saturate_strengthen": ("blur", "compression", "noise", "oversharpen", "pixelate", "quantize"),
    "saturate_weaken": ("blur", "compression", "noise", "oversharpen", "pixelate", "quantize"),
    "oversharpen": ("brighten",),
    "pixelate": (*_TONES, "noise", "oversharpen", "quantize"),
    "quantize": (*_TONES, "noise", "oversharpen", "pixelate"),
}
