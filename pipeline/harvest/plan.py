"""The plan of a harvest: one row a photograph."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.planning import exclusion_of, in_units, row_of
from schemas.errors import RecipeError
from schemas.plan import PlanRow
from schemas.recipe import Recipe
from schemas.source import SourceImage
from schemas.tasks import TASKS


def plan_photographs(sources: Sequence[SourceImage], recipe: Recipe, first_unit: int = 0) -> list[PlanRow]:
    """Plan rows for these photographs, in units from `first_unit`; the degradation is what the recipe says all
    photographs of a source section show, else it is named when the photograph has been scored.

    Raises RecipeError for a degradation without a task, and for clips.
    """
    for place, section in enumerate(recipe.sources):
        if section.degradation and section.degradation not in TASKS:
            raise RecipeError(
                f"sources.{place}.degradation: {section.degradation!r} is no task; known: {', '.join(TASKS)}"
            )
        if section.kind == "clips":
            raise RecipeError(f"sources.{place}.kind: 'clips' are for synthesis; harvest takes photographs")
    groups: dict[tuple[str, str], list[PlanRow]] = {}
    for source in sources:
        row = exclusion_of(source) or row_of(
            source, f"{source.key}-real", degradation=source.degradation, curriculum="single"
        )
        groups.setdefault((source.split, ""), []).append(row.model_copy(update={"role": "real"}))
    return in_units(groups, recipe.plan.unit_size, first_unit)
