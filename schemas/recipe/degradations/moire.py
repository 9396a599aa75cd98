"""The recipe of moiré."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class MoireModes(Modes):
    """How the pattern comes into the picture (specification: degradations §3)."""

    bank: Weight = 0.75
    screen: Weight = 0.15
    blend: Weight = 0.1


class MoireSection(Section):
    """Moiré: patterns of a bank, the photographed screen itself, UniDemoiré's blend."""

    weight: Weight = 1.0
    modes: MoireModes = MoireModes()
