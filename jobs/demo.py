"""`tarnish demo`: the main job end to end on real photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.errors import told_plainly
from schemas.recipe import load_recipe


def demo(
    out: Annotated[Path, typer.Option(help="Folder of the run; made anew.")] = Path("runs/demo"),
    photos: Annotated[
        Path | None,
        typer.Option(help="Folder of clean photographs (default: those inside the dependencies).", show_default=False),
    ] = None,
    recipe: Annotated[Path, typer.Option(help="Recipe, a YAML file.")] = Path("recipes/demo.yaml"),
    overrides: Annotated[list[str] | None, typer.Argument(help="Fields to change.", show_default=False)] = None,
) -> None:
    """Photographs → degraded pairs → judged → shards → two-stage fine-tune → restored photographs and a report."""
    console = Console()
    with told_plainly(console, f"run the same command again to resume {out}"):
        from jobs.demo_run import run_demo

        run_demo(load_recipe(recipe, overrides or []), photos, out, console)
