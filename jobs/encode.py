"""`tarnish encode`: fills the cache of encodings before a training run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.errors import told_plainly
from jobs.progress import progress_bar
from schemas.recipe import load_recipe


def encode(
    recipe: Annotated[Path, typer.Argument(help="Recipe, a YAML file.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Fields to change, e.g. training.data.cache=/fast/encodings.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count, and estimate the room on the disk.")] = False,
) -> None:
    """Encode every sample that the recipe's training draws, once, into the recipe's cache."""
    console = Console()
    with told_plainly(console, "run the same command to go on"):
        from training.encode import Filling
        from training.parallel import joined

        loaded = load_recipe(recipe, overrides or [])
        with joined(loaded.training.parallel) as world:
            filling = Filling(loaded.training, loaded.seed, world.device)
            if world.leads:
                data = loaded.training.data
                console.print(
                    f"{len(filling.entries)} pairs, {filling.samples} samples, {len(filling.prompts)} prompts without "
                    f"a picture: about {_room(filling.estimated_bytes)} in {data.cache}, where "
                    f"{_room(filling.free_bytes)} are free",
                    highlight=False,
                )
            if dry_run:
                return
            counts: Counter[str] = Counter()
            with progress_bar(console) as bar:
                mine = len(filling.entries[world.rank :: world.size])
                task = bar.add_task("encoding", total=mine, visible=world.leads)
                for outcome in filling.fill(world.rank, world.size):
                    counts[outcome] += 1
                    bar.advance(task)
            world.wait()
            if world.leads:
                told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("encoded", "found", "unusable"))
                console.print(f"pairs of this process: {told}", highlight=False)


def _room(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e8 else f"{size / 1e6:.2f} MB"
