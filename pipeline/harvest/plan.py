"""The plan of a harvest: one row a photograph."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.planning import exclusion_of, in_units, row_of
from schemas.plan import PlanRow
from schemas.recipe import Recipe
from schemas.source import SourceImage


def plan_photographs(sources: Sequence[SourceImage], recipe: Recipe, first_unit: int = 0) -> list[PlanRow]:
    """Plan rows for these photographs, in units from `first_unit`; the degradation is what the recipe says all
    photographs of a source section show, else it is named when the photograph has been scored.
    """
    groups: dict[tuple[str, str], list[PlanRow]] = {}
    for source in sources:
        row = exclusion_of(source) or row_of(
            source, f"{source.key}-real", degradation=source.degradation, curriculum="single"
        )
        groups.setdefault((source.split, ""), []).append(row.model_copy(update={"role": "real"}))
    return in_units(groups, recipe.plan.unit_size, first_unit)
