"""The recipe of AgenticIR's degradations."""

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class AgenticIRModes(Modes):
    """AgenticIR's eight degradations (specification: degradations §12)."""

    rain: Weight = 1.0
    haze: Weight = 1.0
    motion: Weight = 1.0
    defocus: Weight = 1.0
    dark: Weight = 1.0
    noise: Weight = 1.0
    jpeg: Weight = 1.0
    lr: Weight = 1.0


class AgenticIRSection(Section):
    """The degradations of AgenticIR's benchmark, by its formulas and ranges: for its compositions."""

    weight: Weight = 0.0
    modes: AgenticIRModes = AgenticIRModes()
