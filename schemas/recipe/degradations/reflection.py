"""The recipe of reflection."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class ReflectionModes(Modes):
    """How the reflected scene shows (specification: degradations §7): 30% sharp, 70% out of focus."""

    focused: Weight = 0.2
    defocused: Weight = 0.47
    ghosting: Weight = 0.18
    double_glazing: Weight = 0.15


class ReflectionSection(Section):
    """Reflection: a second scene in a pane of glass before the picture.

    partners: mirror other photographs of the source set (of the other subject where subjects are known: a portrait
    mirrors a scene, a scene a portrait); else, and where there are none, patterns of the bank.
    """

    weight: Weight = 1.0
    partners: bool = True
    modes: ReflectionModes = ReflectionModes()
