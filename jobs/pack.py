"""`tarnish pack`: the training shards of a decision."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from jobs.errors import told_plainly
from jobs.interrupt import between_units
from jobs.progress import progress_bar
from jobs.status import status_table
from pipeline.dataset import Dataset
from pipeline.engines.select import build_engine
from pipeline.pack import pack_units, plan_packing
from schemas.errors import TarnishError
from schemas.recipe import load_recipe

#: What may differ from the recipe that made the dataset.
_FREE = ("engine.", "text.", "cues.", "degradations.patterns.")


def pack(
    dataset: Annotated[Path, typer.Argument(help="Folder of the dataset.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            help="Fields to change of the dataset's recipe: engine, text, or where models and banks now lie "
            "(cues.*, degradations.patterns.*).",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the packed dataset; continued if it exists.")] = Path("packed"),
    engine: Annotated[Literal["local", "ray"] | None, typer.Option(help="Override engine.kind of the recipe.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would be done, write nothing.")] = False,
) -> None:
    """Write the accepted samples of the standing decision as a dataset of its own, ready to train on.

    Samples that the run had rejected are made again from their sources and traces. Run it again to resume.
    """
    console = Console()
    chosen = [f"engine.kind={engine}"] if engine else []
    with told_plainly(console, f"run the same command again to resume {out}"):
        opened = Dataset.open(dataset)
        for override in overrides or []:
            if not override.startswith(_FREE):
                raise TarnishError(f"{override}: the dataset's recipe stands; only {', '.join(_FREE)}* may differ here")
        if out.absolute() == dataset.absolute():
            raise TarnishError(f"--out: {out} is the dataset itself; name another folder")
        recipe = load_recipe(opened.root / "recipe.yaml", [*(overrides or []), *chosen])
        packing = plan_packing(opened, out)
        Dataset(out).refuse_other(recipe, packing.made_of)
        console.print(
            f"{packing.accepted} samples accepted, {packing.remade} of them to be made again; "
            f"{len(packing.pending)} units to do",
            highlight=False,
        )
        if dry_run:
            console.print(f"nothing was written to {out}", highlight=False)
            return
        running_engine = build_engine(recipe.engine)
        with Dataset(out).writing(), between_units(console) as check, progress_bar(console) as bars:
            running = bars.add_task("pack", total=sum(len(unit.decided) for unit in packing.pending))
            started, reports = time.perf_counter(), []
            for report in pack_units(opened, out, recipe, packing, running_engine):
                reports.append(report)
                bars.advance(running, report.rows)
                check()
        seconds = time.perf_counter() - started
        running_engine.close()
        rows = sum(report.rows for report in reports)
        already = packing.rows - sum(len(unit.decided) for unit in packing.pending)
        console.print(status_table("Pack", reports, packing.rows, already, rows / seconds if rows else 0.0))
