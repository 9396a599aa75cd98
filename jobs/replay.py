"""`tarnish replay`: one sample again, from its source and its trace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.errors import told_plainly
from pipeline.dataset import Dataset
from pipeline.encoding import encode_lossless
from pipeline.replay import find_row, read_partner_of, replay
from pipeline.sources.uri import read_uri
from schemas.errors import DatasetError
from schemas.recipe import load_recipe


def replay_sample(
    dataset: Annotated[Path, typer.Argument(help="Folder of the dataset.", show_default=False)],
    key: Annotated[str, typer.Argument(help="Sample key, as in the ledger.", show_default=False)],
    out: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("replay.png"),
) -> None:
    """Make the degraded image of a sample again, accepted or not, and print its trace."""
    console = Console()
    with told_plainly(console):
        row = find_row(Dataset.open(dataset), key)
        if row.trace is None:
            raise DatasetError(f"{key}: was never degraded ({row.verdict}: {row.reason}); there is nothing to replay")
        recipe = load_recipe(dataset / "recipe.yaml")
        partner = read_partner_of(row.trace, Dataset.open(dataset))
        patterns = recipe.degradations.patterns
        image = replay(read_uri(row.uri), row.trace, recipe.decode.max_pixels, recipe.cues, patterns, partner)
        out.write_bytes(encode_lossless(image, "png"))
        console.print_json(row.trace.to_json())
        console.print(f"{row.verdict} {' '.join(row.reasons)} → {out}")
