"""Running a job of planned units in front of a person: progress, Ctrl-C between units, a table at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from jobs.interrupt import between_units
from jobs.progress import progress_bar
from jobs.status import status_table
from pipeline.dataset import Dataset
from pipeline.report import UnitReport
from pipeline.work import Work, extend
from schemas.recipe import Recipe


@dataclass(frozen=True)
class RunResult:
    """The report of each unit that this run did, and the seconds that all took."""

    reports: list[UnitReport]
    seconds: float

    @property
    def images_per_second(self) -> float:
        """Plan rows a second, whatever their verdict; 0 if there was nothing to do."""
        rows = sum(report.rows for report in self.reports)
        return rows / self.seconds if rows else 0.0


def run_planned(
    title: str,
    recipe: Recipe,
    out: Path,
    console: Console,
    prepare: Callable[[Dataset, Callable[[int, int], None]], Work],
    units: Callable[[Work], Iterator[UnitReport]],
) -> RunResult:
    """Scans, plans and runs what is left to do in the dataset at `out`, and prints what became of it."""
    with Dataset(out).writing(), between_units(console) as check, progress_bar(console) as bars:
        dataset = Dataset(out)
        if dataset.description.is_file():
            Dataset.create(out, recipe)
        scanning = bars.add_task("scan", total=None)

        def scanned(done: int, total: int) -> None:
            bars.update(scanning, completed=done, total=total)
            check()

        work = prepare(dataset, scanned)
        Dataset.create(out, recipe)  # not before the recipe was found to work: a folder is its first recipe's
        extend(dataset, work)
        bars.update(scanning, completed=len(work.sources), total=len(work.sources))
        running = bars.add_task(title.lower(), total=work.pending_rows)
        started = time.perf_counter()
        reports = []
        for report in units(work):
            reports.append(report)
            bars.advance(running, report.rows)
            check()
        result = RunResult(reports, time.perf_counter() - started)
    if result.reports and dataset.decision.exists():
        console.print(
            f"the standing decision of {out} does not know these rows; run `tarnish decide` again", soft_wrap=True
        )
    already = work.total_rows - work.pending_rows
    console.print(status_table(title, result.reports, work.total_rows, already, result.images_per_second))
    return result


def print_plan(work: Work, recipe: Recipe, out: Path, console: Console) -> None:
    """What a run would do, of which nothing was written."""
    rows = [row for unit in work.pending.values() for row in unit]
    counts = Counter((row.split, row.degradation or row.exclusion or "to be named") for row in rows)
    table = Table(title="Plan", title_justify="left")
    for column in ("split", "degradation", "rows"):
        table.add_column(column, justify="right" if column == "rows" else "left")
    for (split, degradation), n in sorted(counts.items()):
        table.add_row(split, degradation, str(n))
    console.print(table)
    again = f", {len(work.reopened)} of them again for missing scores" if work.reopened else ""
    console.print(
        f"{len(work.sources)} new sources, {len(work.pending)} units to do{again}, recipe {recipe.fingerprint()}; "
        f"nothing was written to {out}"
    )
