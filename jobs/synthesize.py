"""`tarnish synthesize`: clean photographs → degraded, judged, packed pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from jobs.errors import told_plainly
from jobs.planned_run import RunResult, print_plan, run_planned
from pipeline.dataset import Dataset
from pipeline.engines.engine import Engine
from pipeline.engines.select import build_engine
from pipeline.synthesize import prepare, run_units
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
        started = build_engine(loaded.engine)
        if dry_run:
            print_plan(prepare(Dataset(out), loaded, started), loaded, out, console)
        else:
            run_synthesis(loaded, out, started, console)
        started.close()


def run_synthesis(recipe: Recipe, out: Path, engine: Engine, console: Console) -> RunResult:
    """Runs the job with a progress bar and prints the status table."""
    return run_planned(
        "Synthesize",
        recipe,
        out,
        console,
        lambda dataset, progress: prepare(dataset, recipe, engine, progress),
        lambda work: run_units(out, recipe, work, engine),
    )
