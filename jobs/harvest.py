"""`tarnish harvest`: real degraded photographs → scored, referenced, judged pairs."""

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
from pipeline.harvest.harvest import harvest_units, prepare_harvest
from schemas.recipe import Recipe, load_recipe


def harvest(
    recipe: Annotated[Path, typer.Argument(help="Recipe, a YAML file, e.g. recipes/harvest.yaml.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            help="Fields to change, e.g. 'sources=[{path: photos}]' 'harvest.generator={kind: folder, path: clean}'.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the dataset; continued if it exists.")] = Path("harvest"),
    engine: Annotated[Literal["local", "ray"] | None, typer.Option(help="Override engine.kind of the recipe.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Scan and plan, print what would be done, write nothing.")] = False,
) -> None:
    """Sort real photographs by what they show, drop the unfit, make or find clean references, judge the pairs.

    Pairs that no rule speaks against wait for people where the policy says so: `tarnish review`, `tarnish decide
    --review`, then `tarnish pack`. Run it again to resume, to retry filters and generators that failed, or after
    adding photographs.
    """
    console = Console()
    chosen = [f"engine.kind={engine}"] if engine else []
    with told_plainly(console, f"run the same command again to resume {out}"):
        from training.reference import build_any_generator

        loaded = load_recipe(recipe, [*(overrides or []), *chosen])
        started = build_engine(loaded.engine)
        if dry_run:
            work = prepare_harvest(Dataset(out), loaded, started, build_any_generator)
            print_plan(work, loaded, out, console)
        else:
            run_harvest(loaded, out, started, console)
        started.close()


def run_harvest(recipe: Recipe, out: Path, engine: Engine, console: Console) -> RunResult:
    """Runs the job with a progress bar and prints the status table."""
    from training.reference import build_any_generator

    result = run_planned(
        "Harvest",
        recipe,
        out,
        console,
        lambda dataset, progress: prepare_harvest(dataset, recipe, engine, build_any_generator, progress),
        lambda work: harvest_units(out, recipe, work, engine, build_any_generator),
    )
    if recipe.harvest.generator.kind == "none":
        console.print(
            "photographs were scored, and no reference was made: to make pairs, name a generator, for instance "
            "'harvest.generator={kind: folder, path: references}', and another --out",
            soft_wrap=True,
        )
    return result
