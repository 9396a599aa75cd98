"""The recipe of flare."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class FlareModes(Modes):
    """Where the light is (specification: degradations §6)."""

    bright_source: Weight = 0.6
    anywhere: Weight = 0.25
    off_frame: Weight = 0.15


class FlareSection(Section):
    """Flare: patterns of a bank added in linear light."""

    weight: Weight = 1.0
    modes: FlareModes = FlareModes()
