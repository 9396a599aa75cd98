"""`tarnish train`: the stages of a recipe on finished datasets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.errors import told_plainly
from jobs.training_tables import estimate_tables
from schemas.recipe import Recipe, load_recipe


def train(
    recipe: Annotated[Path, typer.Argument(help="Recipe, a YAML file.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            help="Fields to change, e.g. 'training.datasets={synthetic: \\[data/a], real: \\[s3://bucket/b]}'.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoints, logs, the best editor.")] = Path("run"),
    resume: Annotated[bool, typer.Option(help="Go on from the newest checkpoint in the folder.")] = False,
    ray: Annotated[
        int, typer.Option(help="Train in so many workers of Ray: of the cluster RAY_ADDRESS, else here.", min=0)
    ] = 0,
    gpus_per_worker: Annotated[
        int | None, typer.Option(help="With --ray; by default 1 where the cluster has GPUs.", min=0, max=1)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what each stage draws, computes and needs, and train nothing.")
    ] = False,
) -> None:
    """Train the recipe's editor through its stages and leave the best checkpoint in OUT/editor.

    Several processes: torchrun --nproc-per-node 8 -m jobs.cli train …, or --ray 8. Ctrl-C ends it after the step in
    hand with a checkpoint; with --ray at once, to be resumed from the newest one.
    """
    console = Console()
    with told_plainly(console, f"run the same command with --resume to go on in {out}"):
        loaded = load_recipe(recipe, overrides or [])
        if dry_run:
            _tell(loaded, console)
            return
        if ray:
            from jobs.ray_train import train_on_ray

            console.print(f"{ray} workers train; watch them by: tensorboard --logdir {out / 'tensorboard'}")
            result = train_on_ray(loaded, out, resume, ray, gpus_per_worker)
        else:
            from training.run import train as run_training

            result = run_training(loaded.training, loaded.seed, loaded.training.datasets, out, resume, console)
        if os.environ.get("RANK", "0") != "0":
            return
        unit = " dB" if loaded.training.validation.score == "gain" else ""
        console.print(
            f"best: stage {result.stage}, step {result.step}, score {result.score:+.3f}{unit} → {result.editor}"
        )


def _tell(loaded: Recipe, console: Console) -> None:
    from training.data.sets import open_sets
    from training.estimate import estimate

    training = loaded.training
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    sets = open_sets(training, training.datasets, processes)
    for table in estimate_tables(estimate(training, sets, processes), processes):
        console.print(table)
