"""The recipe of the Real-ESRGAN chain."""

from schemas.recipe.section import Section, Weight


class RealEsrganSection(Section):
    """The second-order chain of Real-ESRGAN."""

    weight: Weight = 1.0
