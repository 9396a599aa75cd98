"""`tarnish restore`: photographs through an editor."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from filters.decode_errors import DecodeError
from filters.decoding import decode
from jobs.errors import told_plainly
from jobs.progress import progress_bar
from pipeline.encoding import encode_lossless
from pipeline.sources.listing import list_uris
from schemas.errors import RecipeError
from schemas.recipe.decode import DecodeSection
from schemas.recipe.sources import SourceSection
from schemas.tasks import TASKS


def restore(
    editor: Annotated[Path, typer.Argument(help="Folder of an exported editor.", show_default=False)],
    photos: Annotated[Path, typer.Argument(help="An image or a folder of images.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the restored PNG files.")] = Path("restored"),
    task: Annotated[str, typer.Option(help=f"One of {', '.join(TASKS)}: its prompt is used.")] = "mixed",
    prompt: Annotated[str | None, typer.Option(help="A prompt of your own, instead of the task's.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Sampler steps.")] = 1,
) -> None:
    """Restore images and write them as PNG, upright and in sRGB. Unreadable ones are named and passed over."""
    console = Console()
    with told_plainly(console):
        if task not in TASKS:
            raise RecipeError(f"task: unknown task {task!r}; known: {', '.join(TASKS)}")
        uris = list_uris(SourceSection(path=str(photos)))
        from training.editors import load_editor
        from training.restore import restore_image

        loaded = load_editor(editor)
        out.mkdir(parents=True, exist_ok=True)
        failed = 0
        with progress_bar(console) as bars:
            for uri in bars.track(uris, description="restore"):
                path = Path(uri)
                try:
                    pixels = decode(path.read_bytes(), DecodeSection().max_pixels).pixels
                except (DecodeError, OSError) as error:
                    console.print(f"[red]passed over[/] {path}: {error}", highlight=False)
                    failed += 1
                    continue
                started = time.perf_counter()
                restored = restore_image(loaded, pixels, prompt or TASKS[task].en, steps)
                written = out / f"{path.name}.png"
                written.write_bytes(encode_lossless(restored, "png"))
                seconds = time.perf_counter() - started
                console.print(f"{written}  {steps} steps, {seconds:.1f} s", highlight=False)
        if failed == len(uris):
            raise typer.Exit(1)
