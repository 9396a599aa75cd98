"""The recipe of haze."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class HazeModes(Modes):
    """Family of haze (specification: degradations §8)."""

    fog: Weight = 0.4
    haze: Weight = 0.4
    smoke: Weight = 0.1
    dusk: Weight = 0.1


class HazeFields(Modes):
    """Where the patches of uneven air come from: made for the sample, or a field of the pattern bank."""

    drawn: Weight = 0.5
    bank: Weight = 0.5


class HazeSection(Section):
    """Haze: Koschmieder's law on metric depth."""

    weight: Weight = 1.0
    modes: HazeModes = HazeModes()
    fields: HazeFields = HazeFields()
