"""The recipe of blur."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class BlurModes(Modes):
    """Mixture of blur (specification: degradations §1)."""

    camera_shake: Weight = 0.35
    trajectory: Weight = 0.2
    defocus: Weight = 0.2
    web: Weight = 0.1


class BlurSection(Section):
    """Blur: shake, trajectories, defocus, web-style."""

    weight: Weight = 1.0
    modes: BlurModes = BlurModes()
