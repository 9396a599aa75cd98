"""The trained recogniser of degradations."""

from schemas.recipe.section import Section


class RecogniserSection(Section):
    """model: folder that `tarnish recogniser train` wrote; empty for none."""

    model: str = ""
