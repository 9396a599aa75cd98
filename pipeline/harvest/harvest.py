"""The harvest job: real photographs → manifest → plan → units."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from filters.select import FilterSet
from pipeline.dataset import Dataset
from pipeline.engines.engine import Engine
from pipeline.harvest.generators.select import GeneratorFactory
from pipeline.harvest.plan import plan_photographs
from pipeline.harvest.worker import HarvestWorker
from pipeline.manifest import read_manifest
from pipeline.report import UnitReport
from pipeline.work import Work, run_work, survey
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.source import SourceImage
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
    for place, source in enumerate(recipe.sources):
        if source.degradation and source.degradation not in TASKS:
            raise RecipeError(
                f"sources.{place}.degradation: {source.degradation!r} is no task; known: {', '.join(TASKS)}"
            )
        if source.kind == "clips":
            raise RecipeError(f"sources.{place}.kind: 'clips' are for synthesis; harvest takes photographs")
    for field, names in (("degradations", section.degradations), ("generator.prompts", section.generator.prompts)):
        if unknown := [name for name in names if name not in TASKS]:
            raise RecipeError(f"harvest.{field}: {unknown[0]!r} is no task; known: {', '.join(TASKS)}")
    prompts = recipe.filters.semantics.prompts
    if recipe.filters.semantics.provider == "open_clip" and (
        lost := [n for n in section.degradations if n not in prompts]
    ):
        raise RecipeError(f"harvest.degradations: {lost[0]!r} has no prompt in filters.semantics.prompts; add one")
    FilterSet(recipe.filters).check()
    generator(recipe)
    work = survey(dataset, recipe, engine, plan_photographs, progress)
    if section.generator.kind == "folder":
        _refuse_ambiguous_names([*read_manifest(dataset), *work.sources], Path(section.generator.path))
    return work


def _refuse_ambiguous_names(sources: Sequence[SourceImage], references: Path) -> None:
    """Raises RecipeError when two photographs would get the same reference because their file names are the same."""
    first: dict[str, SourceImage] = {}
    own = {path.stem for path in references.expanduser().iterdir()}
    for source in sources:
        stem = PurePosixPath(source.uri).stem
        other = first.setdefault(stem, source)
        if other.key != source.key and stem in own and f"{source.key}-real" not in own:
            raise RecipeError(
                f"harvest.generator.path: {other.uri} and {source.uri} share the name {stem}; name their references by "
                f"sample key ({other.key}-real, {source.key}-real)"
            )


def harvest_units(
    root: Path, recipe: Recipe, work: Work, engine: Engine, generator: GeneratorFactory
) -> Iterator[UnitReport]:
    """Runs the pending units and yields a report of each as it is committed."""
    arguments = (root.absolute(), recipe, generator)
    yield from run_work(work, engine, HarvestWorker, arguments, recipe.engine.worker_gpus)
