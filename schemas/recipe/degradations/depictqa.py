"""The recipe of DepictQA's taxonomy."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Fraction, Section, Weight


class DepictQAModes(Modes):
    """DepictQA's 35 functions in 12 classes (specification: degradations §12); each class weighs one by default."""

    blur_gaussian: Weight = 1 / 6
    blur_motion: Weight = 1 / 6
    blur_glass: Weight = 1 / 6
    blur_lens: Weight = 1 / 6
    blur_zoom: Weight = 1 / 6
    blur_jitter: Weight = 1 / 6
    noise_gaussian_rgb: Weight = 1 / 6
    noise_gaussian_ycrcb: Weight = 1 / 6
    noise_speckle: Weight = 1 / 6
    noise_spatially_correlated: Weight = 1 / 6
    noise_poisson: Weight = 1 / 6
    noise_impulse: Weight = 1 / 6
    compression_jpeg: Weight = 1 / 2
    compression_jpeg2000: Weight = 1 / 2
    brighten_shift_hsv: Weight = 1 / 4
    brighten_shift_rgb: Weight = 1 / 4
    brighten_gamma_hsv: Weight = 1 / 4
    brighten_gamma_rgb: Weight = 1 / 4
    darken_shift_hsv: Weight = 1 / 4
    darken_shift_rgb: Weight = 1 / 4
    darken_gamma_hsv: Weight = 1 / 4
    darken_gamma_rgb: Weight = 1 / 4
    contrast_strengthen_scale: Weight = 1 / 2
    contrast_strengthen_stretch: Weight = 1 / 2
    contrast_weaken_scale: Weight = 1 / 2
    contrast_weaken_stretch: Weight = 1 / 2
    saturate_strengthen_hsv: Weight = 1 / 2
    saturate_strengthen_ycrcb: Weight = 1 / 2
    saturate_weaken_hsv: Weight = 1 / 2
    saturate_weaken_ycrcb: Weight = 1 / 2
    oversharpen: Weight = 1.0
    pixelate: Weight = 1.0
    quantize_otsu: Weight = 1 / 3
    quantize_median: Weight = 1 / 3
    quantize_hist: Weight = 1 / 3


class DepictQASection(Section):
    """The distortions that DepictQA tells apart, at its levels 1-5: a fifth of severity each.

    multiple: share of pictures with two functions of compatible classes, at levels 1-3.
    """

    weight: Weight = 0.0
    modes: DepictQAModes = DepictQAModes()
    multiple: Fraction = 0.0
