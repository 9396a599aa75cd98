"""The two-stage fine-tune."""

from schemas.recipe.section import Section


class TrainingSection(Section):
    """The editor and its stages."""
