"""The recipe of noise."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class NoiseModes(Modes):
    """Mixture of noise (specification: degradations §5)."""

    raw_isp: Weight = 0.45
    real_esrgan: Weight = 0.2
    bsrgan: Weight = 0.1
    film_grain: Weight = 0.1
    segment_aware: Weight = 0.1
    impulse: Weight = 0.05


class NoiseSection(Section):
    """Noise: sensor, web, film, by segment, impulse."""

    weight: Weight = 1.0
    modes: NoiseModes = NoiseModes()
