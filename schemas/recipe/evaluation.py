"""How the restored photographs are measured and shown."""

from pydantic import Field

from schemas.recipe.section import Section


class EvaluationSection(Section):
    """triples: before/after/clean rows in the report, per degradation: the median gain, the worst, the best."""

    triples: int = Field(default=2, ge=0, le=3)
