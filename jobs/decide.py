"""`tarnish decide`: a policy over the ledger of a finished dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from jobs.errors import told_plainly
from pipeline.dataset import Dataset
from pipeline.decide import Decision, decide_dataset
from schemas.recipe import load_recipe


def decide(
    dataset: Annotated[Path, typer.Argument(help="Folder of the dataset.", show_default=False)],
    recipe: Annotated[Path, typer.Argument(help="Recipe whose policy decides.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Fields to change, e.g. 'policy.rules=[{score: pair.psnr, max: 40}]'.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Print the table, keep no decision.")] = False,
) -> None:
    """Decide a finished dataset again from its scores; readers then see the new decision. Touches no pixel."""
    console = Console()
    with told_plainly(console):
        opened = Dataset.open(dataset)
        policy = load_recipe(recipe, overrides or []).policy
        if dry_run:
            decision = decide_dataset(opened, policy, write=False)
        else:
            with opened.writing():
                decision = decide_dataset(opened, policy)
        console.print(_verdicts(decision))
        console.print(_reasons(decision))
        if decision.without_pixels:
            console.print(
                f"{decision.without_pixels} accepted samples are in no shard, because the run rejected them; "
                "to have them, synthesize with this policy into another folder"
            )


def _verdicts(decision: Decision) -> Table:
    table = Table(title="Accepted, by degradation", title_justify="left")
    table.add_column("degradation")
    for column in ("rows", "before", "after"):
        table.add_column(column, justify="right")
    for degradation in sorted({name for name, _ in decision.before}):
        rows = sum(n for (name, _), n in decision.before.items() if name == degradation)
        before, after = (counts[degradation, "accepted"] for counts in (decision.before, decision.after))
        table.add_row(degradation or "(not degraded)", str(rows), str(before), str(after))
    return table


def _reasons(decision: Decision) -> Table:
    table = Table(title="After", title_justify="left")
    table.add_column("verdict")
    table.add_column("first reason")
    table.add_column("rows", justify="right")
    for (verdict, reason), n in sorted(decision.reasons.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
        table.add_row(verdict, reason, str(n))
    return table
