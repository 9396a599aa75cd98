"""`tarnish preview`: one photograph through every degradation, mode and severity."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.console import Console

from degradations.chain import apply_chain, draw_chain, needed_cues
from degradations.contract import Image
from degradations.cues.cues import Cues
from degradations.registry import CLASSES
from evaluation.sheet import labelled_grid
from filters.decode_errors import DecodeError
from filters.decoding import decode
from jobs.errors import told_plainly
from jobs.progress import progress_bar
from pipeline.scenes import bare_scene, with_cues
from schemas.errors import RecipeError, TarnishError
from schemas.recipe import Recipe, load_recipe
from schemas.recipe.degradations import DegradationsSection

#: Severities of levels 1 to 5: the middles of the fifths.
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)


def preview(
    photo: Annotated[Path, typer.Argument(help="A photograph.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Sheet to write, .png or .jpg.")] = Path("preview.png"),
    only: Annotated[list[str] | None, typer.Option(help="This degradation alone (repeatable); default all.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="Take degradations, modes and cues from this recipe.")] = None,
    side: Annotated[int, typer.Option(min=32, max=2048, help="Longest side of a cell, pixels.")] = 256,
    work: Annotated[int, typer.Option(min=32, help="Short side at which the photograph is degraded.")] = 768,
    seed: Annotated[int, typer.Option(help="Another seed shows other draws.")] = 0,
) -> None:
    """Write a sheet: a row a mode, the clean photograph and severity levels 1 to 5."""
    console = Console()
    with told_plainly(console):
        loaded = load_recipe(recipe) if recipe else Recipe()
        section, cues = loaded.degradations, Cues(loaded.cues)
        names = only or list(section.weights())
        if unknown := [name for name in names if name not in CLASSES]:
            raise RecipeError(f"--only: unknown degradation {unknown[0]!r}; known: {', '.join(CLASSES)}")
        if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
            raise TarnishError(f"--out: {out} is neither .png nor .jpg; name a picture file")
        clean = _resized(_read(photo), work)
        rows = []
        with progress_bar(console) as bars:
            variants = [variant for name in names for variant in single_modes(section, name)]
            bar = bars.add_task("preview", total=len(variants))
            for label, name, alone in variants:
                pictures = [clean, *degraded_levels(clean, name, alone, seed, cues)]
                rows.append((label, [_cell(picture, side) for picture in pictures]))
                bars.advance(bar)
        sheet = labelled_grid(rows, ["clean", *(f"level {n}, severity {s}" for n, s in enumerate(LEVELS, 1))])
        options = [] if out.suffix.lower() == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 88]
        if not cv2.imwrite(str(out), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), options):
            raise TarnishError(f"--out: {out} cannot be written; name a file in an existing folder")
        console.print(f"{len(rows)} modes at {len(LEVELS)} severities → {out}", highlight=False)


def single_modes(section: DegradationsSection, name: str) -> list[tuple[str, str, DegradationsSection]]:
    """(label, degradation, the section with that mode alone) of each mode of `name` that a photograph can have."""
    modes = [mode for mode in section.modes(name) if (name, mode) != ("blur", "video")]
    if not modes:
        return [(name, name, section)]
    return [(f"{name}: {mode}", name, section.only(name, mode)) for mode in modes]


def degraded_levels(
    clean: Image, name: str, section: DegradationsSection, seed: int, cues: Cues | None = None
) -> list[Image]:
    """`clean` (uint8 (H, W, 3), sRGB) degraded at each of LEVELS with one draw's worth of luck throughout.

    cues: the providers of depth and masks, embedded if None.
    """
    scene = bare_scene(clean, section.patterns)
    pictures = []
    for severity in LEVELS:
        steps = draw_chain([name], section, scene, severity, seed, "preview")
        pictures.append(apply_chain(clean, steps, with_cues(scene, clean, needed_cues(steps), cues)))
    return pictures


def _read(photo: Path) -> Image:
    try:
        return decode(photo.read_bytes(), Recipe().decode.max_pixels).pixels
    except OSError as error:
        raise TarnishError(f"PHOTO: {photo} cannot be read ({error.strerror}); name an image file") from error
    except DecodeError as error:
        raise TarnishError(f"PHOTO: {photo} is no picture that can be used ({error.message})") from error


def _resized(picture: Image, short: int) -> Image:
    factor = short / min(picture.shape[:2])
    return picture if factor >= 1 else _scaled(picture, factor)


def _cell(picture: Image, side: int) -> Image:
    return _scaled(picture, min(1.0, side / max(picture.shape[:2])))


def _scaled(picture: Image, factor: float) -> Image:
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
