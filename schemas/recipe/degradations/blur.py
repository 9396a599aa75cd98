"""The recipe of blur."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class BlurModes(Modes):
    """Mixture of blur (specification: degradations §1). video: above 0, a picture from a clip has this mode, and only
    such a picture."""

    camera_shake: Weight = 0.35
    trajectory: Weight = 0.2
    object_motion: Weight = 0.15
    defocus: Weight = 0.2
    web: Weight = 0.1
    video: Weight = 1.0


class BlurSection(Section):
    """Blur: shake, trajectories, moving objects, defocus, web-style, averaged frames."""

    weight: Weight = 1.0
    modes: BlurModes = BlurModes()
