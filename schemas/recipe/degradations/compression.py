"""The recipe of compression."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class CompressionModes(Modes):
    """Codec of one generation (specification: degradations §2)."""

    jpeg: Weight = 0.6
    webp: Weight = 0.2
    avif: Weight = 0.07
    video: Weight = 0.1
    palette: Weight = 0.03


class CompressionSection(Section):
    """Compression: one to four generations of codecs, resizes and crops."""

    weight: Weight = 1.0
    modes: CompressionModes = CompressionModes()
