"""The recipe of the APISR chain."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class ApisrModes(Modes):
    """The last codec (specification: degradations §11)."""

    jpeg: Weight = 0.06
    webp: Weight = 0.1
    avif: Weight = 0.1
    mpeg2: Weight = 0.12
    mpeg4: Weight = 0.12
    h264: Weight = 0.3
    h265: Weight = 0.2


class ApisrSection(Section):
    """The second-order chain of APISR, whose last codec is often a video's."""

    weight: Weight = 0.0
    modes: ApisrModes = ApisrModes()
