"""`tarnish restore`: photographs through an editor."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from filters.decode_errors import DecodeError
from jobs.errors import told_plainly
from jobs.progress import progress_bar
from pipeline.sources.listing import list_uris
from schemas.errors import RecipeError
from schemas.recipe import load_recipe
from schemas.recipe.sources import SourceSection
from schemas.tasks import TASKS

if TYPE_CHECKING:
    from training.editors.base import Editor
    from training.restoring.files import Manner
    from training.restoring.targets import Target

_EDITOR = "Folder of an exported editor; or a recipe (.yaml) whose training.editor names pretrained weights."
_SIZE = (
    "How a picture passes the editor. fit: made as large as what the editor was trained on, and its result brought "
    "back to the picture's size; large pictures lose detail, and the output says so. tile: overlapping squares of the "
    "trained size at the picture's own, blended; keeps detail, takes as many passes, and squares may disagree about "
    "what is not in them. keep: all of it at its own size; memory and time grow with it. By default tile for an editor "
    "trained on crops of pictures, fit for one trained on whole ones."
)


def restore(
    editor: Annotated[Path, typer.Argument(help=_EDITOR, show_default=False)],
    photos: Annotated[Path, typer.Argument(help="An image or a folder of images.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the restored files.")] = Path("restored"),
    task: Annotated[str, typer.Option(help=f"One of {', '.join(TASKS)}: its prompt is used.")] = "mixed",
    language: Annotated[Literal["en", "zh"], typer.Option(help="Language of the task's prompt.")] = "en",
    prompt: Annotated[str | None, typer.Option(help="A prompt of your own, instead of the task's.")] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Sampler steps; left out, those that the editor was chosen with.")
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Scale of classifier-free guidance; 1 for none, else each step takes twice as long. Left out, the one "
            "that the editor was chosen with.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the noise that sampling starts from.")] = 0,
    size: Annotated[Literal["fit", "tile", "keep"] | None, typer.Option(help=_SIZE)] = None,
    file_format: Annotated[
        Literal["png", "jpg", "source"],
        typer.Option("--format", help="Of the files; source: JPEG, PNG and WebP as they are, PNG for others."),
    ] = "png",
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG and WebP files.")] = 95,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1; auto: cuda where there is a GPU.")] = "auto",
    overwrite: Annotated[bool, typer.Option(help="Make files anew that are there already.")] = False,
) -> None:
    """Restore images. Files keep ICC profile and EXIF data; those that are there already are left, so the same command
    goes on where it stopped. Unreadable images are named and passed over.
    """
    console = Console()
    with told_plainly(console, "run the same command again to go on"):
        if task not in TASKS:
            raise RecipeError(f"task: unknown task {task!r}; known: {', '.join(TASKS)}")
        sources = [Path(uri) for uri in list_uris(SourceSection(path=str(photos)))]
        from training.restoring.files import Manner
        from training.restoring.targets import targets

        listed = targets(sources, out, file_format)
        wanted = [target for target in listed if overwrite or not target.path.exists()]
        if len(wanted) < len(listed):
            console.print(f"{len(listed) - len(wanted)} there already; --overwrite makes them anew", highlight=False)
        if not wanted:
            return
        loaded = _open(editor, device)
        asked = prompt or getattr(TASKS[task], language)
        manner = Manner(asked, steps, guidance, seed, size, quality)
        with progress_bar(console) as bars:
            done = [_one(loaded, target, manner, console, bars) for target in bars.track(wanted, description="restore")]
        if not any(done):
            raise typer.Exit(1)


def _open(place: Path, device: str) -> Editor:
    """The editor of a folder, or the pretrained one of a recipe."""
    import torch

    from training.editors import base_editor, load_editor
    from training.restoring.device import chosen_device

    chosen = chosen_device(device, "--device")
    try:
        if place.suffix in (".yaml", ".yml"):
            return base_editor(load_recipe(place, []).training, chosen)
        return load_editor(place, chosen)
    except torch.OutOfMemoryError as error:
        raise RecipeError(
            f"--device: the weights of {place} do not fit on {chosen}; choose a device with more memory, or cpu"
        ) from error


def _one(editor: Editor, target: Target, manner: Manner, console: Console, bars: Progress) -> bool:
    """Restores one file and says so; False when it was passed over."""
    import torch

    from training.restoring.files import restore_file

    name = escape(target.source.name)
    bar = bars.add_task(f"steps of {name}", total=None)
    started = time.perf_counter()
    try:
        done = restore_file(editor, target, manner, lambda step, steps: bars.update(bar, completed=step, total=steps))
    except torch.OutOfMemoryError:
        console.print(f"[red]passed over[/] {name}: not enough memory on the GPU; say --size fit or tile")
        return False
    except (DecodeError, OSError) as error:
        console.print(f"[red]passed over[/] {escape(f'{target.source}: {error}')}", highlight=False, soft_wrap=True)
        return False
    finally:
        bars.remove_task(bar)
    steps = editor.config.steps if manner.steps is None else manner.steps
    seconds = time.perf_counter() - started
    console.print(
        f"{escape(str(target.path))}  {done}, {steps} {'step' if steps == 1 else 'steps'}, {seconds:.1f} s",
        highlight=False,
        soft_wrap=True,
    )
    return True
