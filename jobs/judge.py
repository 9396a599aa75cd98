"""`tarnish judge`: a vision-language judge on a cluster, where none serves an endpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.errors import told_plainly
from pipeline.dataset import Dataset
from pipeline.engines.ray_data import RayEngine
from pipeline.engines.vllm_judge import judge_tasks_with_vllm
from pipeline.judge_questions import QuestionWorker, unjudged
from schemas.errors import DatasetError
from schemas.recipe import load_recipe


def judge(
    dataset: Annotated[Path, typer.Argument(help="Folder of the dataset.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Where things now lie, e.g. filters.judge.cache=/shared/answers.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Say how many units wait, ask nothing.")] = False,
) -> None:
    """Ask the model of `filters.judge` (provider vllm) about every picture that it has not scored yet, on Ray's GPUs.

    The answers are kept in filters.judge.cache, a folder that all machines share; the command that made the dataset,
    run again, takes its scores from there.
    """
    console = Console()
    with told_plainly(console, f"run the same command again to go on with {dataset}"):
        opened = Dataset.open(dataset)
        recipe = load_recipe(opened.root / "recipe.yaml", overrides or [])
        section = recipe.filters.judge
        if section.provider != "vllm":
            raise DatasetError(
                f"{dataset}: filters.judge.provider is {section.provider!r}; this command is for 'vllm', the others "
                "are asked while the dataset is made"
            )
        stems = list(unjudged(opened))
        console.print(f"{len(stems)} units hold rows that wait for {section.model}", highlight=False)
        if dry_run or not stems:
            return
        engine = RayEngine(recipe.engine.actors)
        tasks = [json.dumps(stem).encode() for stem in stems]
        done = judge_tasks_with_vllm(tasks, QuestionWorker, (opened.root.absolute(), recipe), section)
        engine.close()
        console.print(f"{done.asked} answers asked for, {done.failed} failed {done.error}".rstrip(), highlight=False)
        console.print("now run the command that made the dataset again; it finds the answers", highlight=False)
