"""`tarnish decide`: a policy over the ledger of a finished dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from evaluation.what_if import Change, Histogram, WhatIf, what_if
from jobs.errors import told_plainly
from pipeline.dataset import Dataset
from pipeline.decide import decide_dataset
from pipeline.review import read_review
from schemas.errors import TarnishError
from schemas.recipe import load_recipe

_BARS = " ▁▂▃▄▅▆▇█"


def decide(
    dataset: Annotated[Path, typer.Argument(help="Folder of the dataset.", show_default=False)],
    recipe: Annotated[Path, typer.Argument(help="Recipe whose policy decides.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Fields to change, e.g. 'policy.rules=[{score: pair.psnr, max: 40}]'.", show_default=False),
    ] = None,
    review: Annotated[
        Path | None, typer.Option(help="Decisions of people (see `tarnish review`); they outrank the policy.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Print what would change, keep no decision.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the same as a page (HTML) to this file.")] = None,
) -> None:
    """Decide a finished dataset again from its scores; readers then see the new decision. Touches no pixel.

    Compares with the decision that stood. People's decisions stay with the dataset and outrank later policies too.
    """
    console = Console()
    with told_plainly(console):
        opened = Dataset.open(dataset)
        policy = load_recipe(recipe, overrides or []).policy
        people = read_review(review) if review else []
        if report and (report.is_dir() or not report.absolute().parent.is_dir()):
            raise TarnishError(f"--report: {report} cannot be written; name a file in a folder that exists")
        if dry_run:
            decision = decide_dataset(opened, policy, people, write=False)
        else:
            with opened.writing():
                decision = decide_dataset(opened, policy, people)
        changes = what_if(decision.rows, decision.scores)
        console.print(_accepted(changes))
        console.print(_reasons(changes))
        console.print(_scores(changes))
        if report:
            from evaluation.what_if_page import write_page

            write_page(changes, report)
            console.print(f"{report}", highlight=False)
        if decision.without_pixels:
            console.print(
                f"{decision.without_pixels} accepted samples are in no shard, because the run rejected them; "
                f"`tarnish pack {dataset} --out FOLDER` makes them from their traces",
                soft_wrap=True,
            )
        for name in (shown.score for shown in changes.histograms if shown.missing == changes.total.rows):
            console.print(f"[yellow]no row has the score {name}[/]; is its name right?", highlight=False)
        if undone := opened.planned_rows() - decision.rows.num_rows:
            console.print(f"{undone} planned rows are not done yet; run the command that makes the dataset again")
        if dry_run:
            console.print("no decision was kept")


def _accepted(changes: WhatIf) -> Table:
    table = Table(title="Accepted, by degradation", title_justify="left")
    table.add_column("degradation")
    for column in ("rows", "before", "after", "gained", "lost"):
        table.add_column(column, justify="right")
    for change in changes.degradations:
        table.add_row(change.name or "(not degraded)", *_numbers(change))
    table.add_section()
    table.add_row("all", *_numbers(changes.total))
    return table


def _numbers(change: Change) -> list[str]:
    return [str(n) for n in (change.rows, change.before, change.after, change.gained, change.lost)]


def _reasons(changes: WhatIf) -> Table:
    table = Table(title="Not accepted, by first reason", title_justify="left")
    table.add_column("reason")
    for column in ("before", "after"):
        table.add_column(column, justify="right")
    for reason, before, after in changes.reasons:
        table.add_row(reason, str(before), str(after))
    return table


def _scores(changes: WhatIf) -> Table:
    table = Table(title="Scores that rules name (1st to 99th percentile)", title_justify="left")
    for column in ("score", "from", "accepted", "dropped", "to", "missing"):
        table.add_column(column, justify="right" if column in ("from", "missing") else "left", no_wrap=True)
    for shown in changes.histograms:
        table.add_row(shown.score, *_row(shown))
    return table


def _row(shown: Histogram) -> list[str]:
    bars = [_bars(counts) for counts in (shown.accepted, shown.dropped)]
    return [f"{shown.edges[0]:.3g}", *bars, f"{shown.edges[-1]:.3g}", str(shown.missing)]


def _bars(counts: NDArray[np.int64]) -> str:
    """Twelve blocks, pairs of bins, scaled by the square root so that rare values show."""
    pairs = np.sqrt(counts.reshape(-1, 2).sum(axis=1))
    if pairs.max() == 0:
        return ""
    return "".join(_BARS[int(np.ceil(value / pairs.max() * (len(_BARS) - 1)))] for value in pairs)
