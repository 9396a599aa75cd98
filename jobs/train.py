"""`tarnish train`: a two-stage fine-tune on finished datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.errors import told_plainly
from schemas.recipe import load_recipe


def train(
    recipe: Annotated[Path, typer.Argument(help="Recipe, a YAML file.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            help="Fields to change, e.g. 'training.datasets={synthetic: [data/a], real: [data/b]}'.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoints, logs, the best editor.")] = Path("run"),
    resume: Annotated[bool, typer.Option(help="Go on from the newest checkpoint in the folder.")] = False,
) -> None:
    """Train the recipe's editor through its stages and leave the best checkpoint in OUT/editor."""
    console = Console()
    with told_plainly(console, f"run the same command with --resume to go on in {out}"):
        from training.run import train as run_training

        loaded = load_recipe(recipe, overrides or [])
        datasets = {name: [Path(path) for path in paths] for name, paths in loaded.training.datasets.items()}
        result = run_training(loaded.training, loaded.seed, datasets, out, resume, console)
        console.print(f"best: stage {result.stage}, step {result.step}, score {result.score:+.3f} dB → {result.editor}")
