"""`tarnish review`: what waits for people."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from filters.policy import PENDING
from jobs.errors import told_plainly
from pipeline.dataset import Dataset
from pipeline.review_queue import queued, write_queue
from schemas.errors import TarnishError


def review(
    dataset: Annotated[Path, typer.Argument(help="Folder of the dataset.", show_default=False)],
    out: Annotated[
        Path, typer.Option(help="CSV file to fill in; a page with the pictures is written beside it.")
    ] = Path("review.csv"),
    reason: Annotated[str, typer.Option(help="Which rejected samples: those with this reason.")] = PENDING,
    limit: Annotated[int, typer.Option(min=1, help="Samples at most.")] = 500,
) -> None:
    """Write the samples that wait for people. Fill in the column `decision` with accept or reject, then
    `tarnish decide DATASET RECIPE --review FILE`.
    """
    console = Console()
    with told_plainly(console):
        opened = Dataset.open(dataset)
        if out.suffix != ".csv":
            raise TarnishError(f"--out: {out} does not end in .csv; name such a file, the page is written beside it")
        if taken := [path for path in (out, out.with_suffix(".html")) if path.exists()]:
            raise TarnishError(f"--out: {taken[0]} exists and may hold decisions; name another file")
        if not out.absolute().parent.is_dir():
            raise TarnishError(f"--out: {out.parent} is no folder; make it or name another file")
        rows = list(islice(queued(opened, reason), limit))
        if not rows:
            console.print(f"no sample waits with the reason {reason}", highlight=False)
            return
        page = write_queue(rows, out)
        console.print(f"{len(rows)} samples: fill in {out}, look at {page}", highlight=False, soft_wrap=True)
