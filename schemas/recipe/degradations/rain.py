"""The recipe of rain."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Fraction, Section, Weight


class RainModes(Modes):
    """What of the rain is seen (specification: degradations §9): single drops as streaks, layers of a bank, only the
    veil of a drizzle, or drops on the glass before the camera."""

    streaks: Weight = 0.55
    bank: Weight = 0.2
    veil: Weight = 0.1
    lens: Weight = 0.15


class RainSection(Section):
    """Rain. wet_ground, splashes, ripples, flash: how often each is added."""

    weight: Weight = 1.0
    modes: RainModes = RainModes()
    wet_ground: Fraction = 0.75
    splashes: Fraction = 0.6
    ripples: Fraction = 0.4
    flash: Fraction = 0.12
