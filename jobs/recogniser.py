"""`tarnish recogniser`: a small network that names degradations, trained on our own shards."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from jobs.errors import told_plainly
from jobs.interrupt import between_units
from jobs.progress import progress_bar
from jobs.recogniser_tables import confusion_table, named_table
from schemas.errors import TarnishError

app = typer.Typer(help="Train, measure and use the recogniser of degradations.", no_args_is_help=True)

#: Steps between two saved states.
_SAVE_EVERY = 50
#: Sides of the views, pixels: tiles at native resolution, and the whole picture.
_TILE, _WHOLE = 128, 160

Datasets = Annotated[list[Path], typer.Argument(help="Dataset folders of `tarnish synthesize`.", show_default=False)]
Model = Annotated[Path, typer.Option(help="Folder that `tarnish recogniser train` wrote.")]


@app.command("train")
def train(
    datasets: Datasets,
    out: Annotated[Path, typer.Option(help="Folder of the recogniser.")] = Path("recogniser"),
    backbone: Annotated[str, typer.Option(help="Convolutional architecture of timm.")] = "mobilenetv4_conv_small_050",
    steps: Annotated[int, typer.Option(min=1, help="Steps in all.")] = 1600,
    batch: Annotated[int, typer.Option(min=2, help="Pictures a step.")] = 33,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="After the warm-up; falls along a cosine.")] = 2e-3,
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same weights on one machine and as many threads.")
    ] = 0,
    dry_run: Annotated[bool, typer.Option(help="Check the datasets and say what would be done.")] = False,
) -> None:
    """Learn to name degradations from the split `train`, on a GPU if there is one; measure on `heldout`.

    Run it again to resume. A recipe uses the recogniser by `filters.recogniser.model: OUT`.
    """
    console = Console()
    with told_plainly(console, f"run the same command again to go on with {out}"):
        from filters.inference import choose_device
        from training.recogniser import run as training
        from training.recogniser.examples import open_examples

        def said(line: str) -> None:
            console.print(line, highlight=False)

        examples = open_examples(datasets, "train", said)
        settings = training.Settings(backbone, steps, batch, _TILE, _WHOLE, learning_rate, seed)
        device = choose_device("auto")
        run = training.Run(examples, settings, out, device)
        said(f"{backbone}, {run.parameters / 1e6:.2f} M weights; step {run.step} of {steps}, on {device} → {out}")
        if dry_run:
            return
        with between_units(console) as check, progress_bar(console) as bars:
            bar = bars.add_task("train", total=steps, completed=run.step)

            def report(step: int, loss: float) -> None:
                bars.update(bar, completed=step, description=f"loss {loss:.3f}")
                check()

            started = time.monotonic()
            training.train(run, _SAVE_EVERY, report)
        said(f"trained in {time.monotonic() - started:.0f} s → {out}")
        _measure(console, datasets, out)


@app.command("evaluate")
def evaluate(datasets: Datasets, model: Model = Path("recogniser")) -> None:
    """Measure on the split `heldout`: macro-F1, confusion, severities. Writes MODEL/metrics.json."""
    console = Console()
    with told_plainly(console):
        if not _measure(console, datasets, model):
            raise TarnishError("the datasets hold no sample of split 'heldout'; set plan.heldout when synthesizing")


@app.command("name")
def name(
    photos: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.", show_default=False)],
    model: Model = Path("recogniser"),
) -> None:
    """Name the degradations of pictures, with probabilities and severities."""
    console = Console()
    with told_plainly(console):
        from filters.decode_errors import DecodeError
        from filters.decoding import decode
        from filters.recogniser.model import RecogniserFilter
        from schemas.recipe.decode import DecodeSection

        recogniser = RecogniserFilter(str(model))
        recogniser.load()
        found: dict[str, dict[str, float] | str] = {}
        with progress_bar(console) as bars:
            for path in bars.track(_files(photos), description="name"):
                try:
                    pixels = decode(path.read_bytes(), DecodeSection().max_pixels).pixels
                    found[str(path)] = recogniser.score([pixels])[0].scores
                except (DecodeError, OSError) as error:
                    found[str(path)] = str(error)
        console.print(named_table(found))
        if any(isinstance(told, str) for told in found.values()):
            raise typer.Exit(1)


def _measure(console: Console, datasets: list[Path], folder: Path) -> bool:
    """Measures on the held-out split, prints and writes the figures; False where there is no such sample."""
    from filters.recogniser.model import RecogniserFilter
    from pipeline.files import write_atomically
    from training.recogniser.examples import open_examples
    from training.recogniser.measure import measure

    recogniser = RecogniserFilter(str(folder))
    examples = open_examples(datasets, "heldout", lambda line: console.print(line, highlight=False))
    if not len(examples):
        return False
    figures = {}
    for title, rewrite in (("as stored", False), ("as cameras and sites write them", True)):
        with progress_bar(console) as bars:
            bar = bars.add_task(f"measure {title}", total=len(examples))
            measured = measure(recogniser, examples, rewrite, partial(_completed, bars, bar))
        console.print(confusion_table(measured, title))
        figures["rewritten" if rewrite else "stored"] = measured.to_json()
    told = json.dumps({"recogniser": recogniser.version, **figures}, indent=2) + "\n"
    write_atomically(folder / "metrics.json", told.encode(), folder)
    return True


def _completed(bars: Progress, bar: TaskID, done: int) -> None:
    bars.update(bar, completed=done)


def _files(photos: list[Path]) -> list[Path]:
    """The files named, and those in the folders named. Raises TarnishError for a path that is not there."""
    files: list[Path] = []
    for path in photos:
        if not path.exists():
            raise TarnishError(f"{path} is not there; name pictures or folders of them")
        files += sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    return files
