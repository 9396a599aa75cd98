"""The work of a job: what is planned, what is done, and running the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from pipeline.dataset import Dataset
from pipeline.engines.engine import Engine
from pipeline.files import committing
from pipeline.manifest import read_manifest, scan_sources
from pipeline.planning import read_plan
from pipeline.report import UnitReport
from pipeline.sources.rows import to_stream
from schemas.errors import RecipeError
from schemas.plan import PlanRow
from schemas.recipe import Recipe
from schemas.source import SourceImage

#: From new sources, the recipe and the first free unit to plan rows.
Planner = Callable[[Sequence[SourceImage], Recipe, int], list[PlanRow]]


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


def survey(
    dataset: Dataset,
    recipe: Recipe,
    engine: Engine,
    planner: Planner,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Work:
    """Scans sources that the manifest does not know and plans them, without writing anything.

    Raises RecipeError when the recipe names no source.
    """
    if not recipe.sources:
        raise RecipeError("sources: empty; name at least one, for instance sources=[{path: photos}]")
    known = read_manifest(dataset)
    planned = read_plan(dataset)
    sources = scan_sources(recipe, known, engine, progress)
    fresh = planner(sources, recipe, max((row.unit for row in planned), default=-1) + 1)
    reopened = dataset.unscored_units()
    done = dataset.done_units() - reopened
    pending: dict[int, list[PlanRow]] = defaultdict(list)
    for row in planned + fresh:
        if row.unit not in done:
            pending[row.unit].append(row)
    return Work(sources, fresh, len(planned) + len(fresh), dict(pending), frozenset(reopened))


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


def run_work(
    work: Work,
    engine: Engine,
    worker: Callable[..., Callable[[bytes], bytes]],
    arguments: tuple[Any, ...],
    gpus: float,
) -> Iterator[UnitReport]:
    """Runs the pending units by `worker(*arguments)` and yields a report of each as it is committed."""
    tasks = [to_stream(PlanRow, rows) for _, rows in sorted(work.pending.items())]
    for result in engine.run(tasks, worker, arguments, gpus):
        yield UnitReport.from_bytes(result)
