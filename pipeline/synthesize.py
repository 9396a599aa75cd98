"""The main job: manifest → plan → units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from degradations.chain import check_transforms
from degradations.cues.cues import check_cues
from filters.select import FilterSet
from pipeline.dataset import Dataset
from pipeline.engines.engine import Engine
from pipeline.planning import plan_rows
from pipeline.report import UnitReport
from pipeline.work import Work, run_work, survey
from pipeline.worker import UnitWorker
from schemas.errors import RecipeError
from schemas.recipe import Recipe


def prepare(
    dataset: Dataset,
    recipe: Recipe,
    engine: Engine,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Work:
    """Scans sources that the manifest does not know and plans them, without writing anything.

    Raises RecipeError when the recipe names no source, or a transform, a filter or a model that cannot be used.
    """
    check_transforms(recipe.degradations)
    _check_cues(recipe)
    FilterSet(recipe.filters).check()
    return survey(dataset, recipe, engine, plan_rows, progress)


def _check_cues(recipe: Recipe) -> None:
    """Raises RecipeError when a model for depth or masks is not there, or is to run on a GPU that no worker holds."""
    check_cues(recipe.cues)
    models = recipe.cues.depth.provider == "dpt" or recipe.cues.masks.provider == "sam2"
    if models and recipe.cues.device == "cuda" and recipe.engine.kind == "ray" and not recipe.engine.worker_gpus:
        raise RecipeError(
            "cues.device: 'cuda', but the ray engine gives a worker no GPU (engine.worker_gpus: 0); "
            "set engine.worker_gpus=1, or cues.device=auto"
        )


def run_units(root: Path, recipe: Recipe, work: Work, engine: Engine) -> Iterator[UnitReport]:
    """Runs the pending units and yields a report of each as it is committed."""
    arguments = (root.absolute(), recipe)
    yield from run_work(work, engine, UnitWorker, arguments, recipe.engine.worker_gpus)
