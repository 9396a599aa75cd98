"""The main job: manifest → plan → units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from degradations.chain import check_transforms
from degradations.cues.cues import check_cues
from pipeline.dataset import Dataset
from pipeline.engines.engine import Engine
from pipeline.files import committing
from pipeline.manifest import read_manifest, scan_sources
from pipeline.planning import plan_rows, read_plan
from pipeline.worker import UnitReport, UnitWorker, unit_task
from schemas.errors import RecipeError
from schemas.plan import PlanRow
from schemas.recipe import Recipe
from schemas.source import SourceImage


@dataclass(frozen=True)
class Work:
    """What a run has to do: new sources, their plan rows, the number of all plan rows, and the units not done yet, of
    which `reopened` were done before but lack scores of filters that failed.
    """

    sources: list[SourceImage]
    fresh: list[PlanRow]
    total_rows: int
    pending: dict[int, list[PlanRow]]
    reopened: frozenset[int] = frozenset()

    @property
    def pending_rows(self) -> int:
        return sum(map(len, self.pending.values()))


def prepare(
    dataset: Dataset,
    recipe: Recipe,
    engine: Engine,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Work:
    """Scans sources that the manifest does not know and plans them, without writing anything.

    Raises RecipeError when the recipe names no source, or a transform or a model that cannot be used.
    """
    if not recipe.sources:
        raise RecipeError("sources: empty; name at least one, for instance sources=[{path: photos}]")
    check_transforms(recipe.degradations)
    _check_cues(recipe)
    known = read_manifest(dataset)
    planned = read_plan(dataset)
    sources = scan_sources(recipe, known, engine, progress)
    fresh = plan_rows(sources, recipe, first_unit=max((row.unit for row in planned), default=-1) + 1)
    reopened = dataset.unscored_units()
    done = dataset.done_units() - reopened
    pending: dict[int, list[PlanRow]] = defaultdict(list)
    for row in planned + fresh:
        if row.unit not in done:
            pending[row.unit].append(row)
    return Work(sources, fresh, len(planned) + len(fresh), dict(pending), frozenset(reopened))


def _check_cues(recipe: Recipe) -> None:
    """Raises RecipeError when a model for depth or masks is not there, or is to run on a GPU that no worker holds."""
    check_cues(recipe.cues)
    models = recipe.cues.depth.provider == "dpt" or recipe.cues.masks.provider == "sam2"
    if models and recipe.cues.device == "cuda" and recipe.engine.kind == "ray" and not recipe.engine.worker_gpus:
        raise RecipeError(
            "cues.device: 'cuda', but the ray engine gives a worker no GPU (engine.worker_gpus: 0); "
            "set engine.worker_gpus=1, or cues.device=auto"
        )


def extend(dataset: Dataset, work: Work) -> None:
    """Keeps the new sources and their rows with the dataset.

    The manifest part comes last and alone makes the plan part of its number valid: a kill between the two leaves
    sources that are scanned and planned again.
    """
    if not work.sources:
        return
    name = f"part-{len(list(dataset.manifest.glob('*.parquet'))):04d}.parquet"
    with committing(dataset.plan / name, dataset.temporary) as scratch:
        pq.write_table(PlanRow.to_table(work.fresh), scratch)
    with committing(dataset.manifest / name, dataset.temporary) as scratch:
        pq.write_table(SourceImage.to_table(work.sources), scratch)


def run_units(root: Path, recipe: Recipe, work: Work, engine: Engine) -> Iterator[UnitReport]:
    """Runs the pending units and yields a report of each as it is committed."""
    dataset = Dataset.open(root)
    for unit in work.reopened:
        dataset.reopen(unit, work.pending[unit][0].split)
    tasks = [unit_task(rows) for _, rows in sorted(work.pending.items())]
    for result in engine.run(tasks, UnitWorker, (root.absolute(), recipe), recipe.engine.worker_gpus):
        yield UnitReport.from_bytes(result)
