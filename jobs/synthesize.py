"""`tarnish synthesize`: clean photographs → degraded, judged, packed pairs."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from jobs.errors import told_plainly
from jobs.interrupt import between_units
from jobs.progress import progress_bar
from jobs.status import status_table
from pipeline.dataset import Dataset
from pipeline.engines.engine import Engine
from pipeline.engines.select import build_engine
from pipeline.synthesize import Work, extend, prepare, run_units
from pipeline.worker import UnitReport
from schemas.recipe import Recipe, load_recipe


def synthesize(
    recipe: Annotated[Path, typer.Argument(help="Recipe, a YAML file.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Fields to change, e.g. plan.variants=3 'sources=[{path: photos}]'.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the dataset; continued if it exists.")] = Path("dataset"),
    engine: Annotated[Literal["local", "ray"] | None, typer.Option(help="Override engine.kind of the recipe.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Scan and plan, print what would be done, write nothing.")] = False,
) -> None:
    """Degrade, judge and pack the sources of a recipe. Run it again to resume, or after adding sources."""
    console = Console()
    chosen = [f"engine.kind={engine}"] if engine else []
    with told_plainly(console, f"run the same command again to resume {out}"):
        loaded = load_recipe(recipe, [*(overrides or []), *chosen])
        if dry_run:
            _print_plan(console, loaded, out)
        else:
            started = build_engine(loaded.engine)
            run_synthesis(loaded, out, started, console)
            started.close()


@dataclass(frozen=True)
class SynthesisResult:
    """The report of each unit that this run did, and the seconds that all took."""

    reports: list[UnitReport]
    seconds: float

    @property
    def images_per_second(self) -> float:
        """Plan rows a second, whatever their verdict; 0 if there was nothing to do."""
        rows = sum(report.rows for report in self.reports)
        return rows / self.seconds if rows else 0.0


def run_synthesis(recipe: Recipe, out: Path, engine: Engine, console: Console) -> SynthesisResult:
    """Runs the job with a progress bar and prints the status table."""
    with Dataset(out).writing(), between_units(console) as check, progress_bar(console) as bars:
        dataset = Dataset.create(out, recipe)
        scanning = bars.add_task("scan", total=None)

        def scanned(done: int, total: int) -> None:
            bars.update(scanning, completed=done, total=total)
            check()

        work = prepare(dataset, recipe, engine, scanned)
        extend(dataset, work)
        bars.update(scanning, completed=len(work.sources), total=len(work.sources))
        running = bars.add_task("synthesize", total=work.pending_rows)
        started = time.perf_counter()
        reports = []
        for report in run_units(out, recipe, work, engine):
            reports.append(report)
            bars.advance(running, report.rows)
            check()
        result = SynthesisResult(reports, time.perf_counter() - started)
    already = work.total_rows - work.pending_rows
    console.print(status_table("Synthesis", result.reports, work.total_rows, already, result.images_per_second))
    return result


def _print_plan(console: Console, recipe: Recipe, out: Path) -> None:
    work = prepare(Dataset(out), recipe, build_engine(recipe.engine))
    console.print(_plan_table(work))
    console.print(
        f"{len(work.sources)} new sources, {len(work.pending)} units to do, recipe {recipe.fingerprint()}; "
        f"nothing was written to {out}"
    )


def _plan_table(work: Work) -> Table:
    rows = [row for unit in work.pending.values() for row in unit]
    counts = Counter((row.split, row.degradation or row.exclusion) for row in rows)
    table = Table(title="Plan", title_justify="left")
    for column in ("split", "degradation", "rows"):
        table.add_column(column, justify="right" if column == "rows" else "left")
    for (split, degradation), n in sorted(counts.items()):
        table.add_row(split, degradation, str(n))
    return table
