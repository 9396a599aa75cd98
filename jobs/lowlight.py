"""`tarnish lowlight`: the network of low light's learned mode."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.errors import told_plainly
from jobs.interrupt import between_units
from jobs.progress import progress_bar
from schemas.errors import TarnishError

app = typer.Typer(help="Train the network that darkens photographs.", no_args_is_help=True)

#: Steps between two saved states.
_SAVE_EVERY = 100


@app.callback()
def _lowlight() -> None:
    """Train the network that darkens photographs (degradations.lowlight, mode learned)."""


@app.command("train")
def train(
    pairs: Annotated[
        Path, typer.Argument(help="Folder with low/ and high/, files of equal names (LOL).", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="The network, a safetensors file.")] = Path("network.safetensors"),
    steps: Annotated[int, typer.Option(min=1, help="Steps in all.")] = 4000,
    batch: Annotated[int, typer.Option(min=1, help="Crops a step.")] = 8,
    crop: Annotated[int, typer.Option(min=8, help="Side of a crop, pixels, a multiple of 4.")] = 128,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="At the start; falls along a cosine.")] = 1e-3,
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same network on one machine and as many threads.")
    ] = 0,
    dry_run: Annotated[bool, typer.Option(help="Check the pairs and say what would be done.")] = False,
) -> None:
    """Learn bright → dark from pairs, on a GPU if there is one. Run it again to resume.

    A recipe uses the network by `degradations.lowlight.network: OUT` and a weight of `modes.learned` above 0.
    """
    console = Console()
    with told_plainly(console, f"run the same command again to go on with {out}"):
        from training import lowlight
        from training.lowlight_pairs import PairPictures, find_pairs

        if not out.absolute().parent.is_dir():
            raise TarnishError(f"--out: {out.parent} is no folder; make it or name another file")
        if crop % 4:
            raise TarnishError(
                f"--crop: {crop} is no multiple of 4, as the network's scales need; take {crop // 4 * 4}"
            )
        found = find_pairs(pairs)
        with progress_bar(console) as bars:
            pictures = PairPictures(bars.track(found, description="read pairs"))
        device = lowlight.best_device()
        settings = lowlight.Settings(steps, batch, crop, learning_rate, seed)
        run = lowlight.Run(pictures, settings, out, device)
        console.print(
            f"{len(found)} pairs, {run.darkness} stops apart; step {run.step} of {steps}, on {device} → {out}",
            highlight=False,
        )
        if dry_run or run.finished:
            return
        with between_units(console) as check, progress_bar(console) as bars:
            bar = bars.add_task("train", total=steps, completed=run.step)

            def report(step: int, loss: float) -> None:
                bars.update(bar, completed=step, description=f"loss {loss:.4f}")
                check()

            started = time.monotonic()
            lowlight.train(run, _SAVE_EVERY, report)
        console.print(f"trained in {time.monotonic() - started:.0f} s → {out}", highlight=False)
