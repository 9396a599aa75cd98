"""The harvest job: real photographs → manifest → plan → units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from filters.select import FilterSet
from pipeline.dataset import Dataset
from pipeline.engines.engine import Engine
from pipeline.harvest.generators.select import GeneratorFactory
from pipeline.harvest.plan import plan_photographs
from pipeline.harvest.worker import HarvestWorker
from pipeline.report import UnitReport
from pipeline.work import Work, run_work, survey
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.tasks import TASKS


def prepare_harvest(
    dataset: Dataset,
    recipe: Recipe,
    engine: Engine,
    generator: GeneratorFactory,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Work:
    """Scans photographs that the manifest does not know and plans them, without writing anything.

    Raises RecipeError when the recipe names no source, or a filter or a generator that cannot be used.
    """
    section = recipe.harvest
    for field, names in (("degradations", section.degradations), ("generator.prompts", section.generator.prompts)):
        if unknown := [name for name in names if name not in TASKS]:
            raise RecipeError(f"harvest.{field}: {unknown[0]!r} is no task; known: {', '.join(TASKS)}")
    FilterSet(recipe.filters).check()
    generator(recipe)
    return survey(dataset, recipe, engine, plan_photographs, progress)


def harvest_units(
    root: Path, recipe: Recipe, work: Work, engine: Engine, generator: GeneratorFactory
) -> Iterator[UnitReport]:
    """Runs the pending units and yields a report of each as it is committed."""
    arguments = (root.absolute(), recipe, generator)
    yield from run_work(Dataset.open(root), work, engine, HarvestWorker, arguments, recipe.engine.worker_gpus)
