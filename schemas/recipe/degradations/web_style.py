"""The recipe of the web-style chain."""

from schemas.recipe.section import Section, Weight


class WebStyleSection(Section):
    """One mild trip through the web, for use within chains: smaller, blurred, noisy, encoded, back to size."""

    weight: Weight = 0.0
