"""Where restored files go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from schemas.errors import RecipeError
from training.restoring.photograph import Kind

Format = Literal["png", "jpg", "source"]
_SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "png": (".png",),
    "webp": (".webp",),
}
FORMATS: tuple[Format, ...] = get_args(Format)


class Target(NamedTuple):
    """A file to be written, and what kind of file it is."""

    source: Path
    path: Path
    kind: Kind


def targets(sources: Sequence[Path], out: Path, wanted: Format) -> list[Target]:
    """A file in `out` for each source, in the same subfolders; what lies in `out` already is no source.

    The kind is known from the names alone: `source` keeps that of a JPEG, PNG or WebP and takes PNG for others. A name
    keeps its suffix where it fits the kind, and else gets one more. Raises RecipeError when two sources would be
    written to one file, or one to itself.
    """
    out = out.absolute()
    sources = [source.absolute() for source in sources]
    outside = [source for source in sources if out not in source.parents]
    if sources and not outside:
        raise RecipeError(f"--out {out}: the photographs lie in it; name another folder")
    common = Path(os.path.commonpath([source.parent for source in outside])) if outside else out
    made: dict[Path, Target] = {}
    for source in outside:
        kind = _kind(source, wanted)
        fits = source.suffix.lower() in _SUFFIXES[kind]
        name = source.name if fits else source.name + _SUFFIXES[kind][0]
        target = Target(source, out / source.parent.relative_to(common) / name, kind)
        if target.path in made:
            raise RecipeError(f"{source}, {made[target.path].source}: both go to {target.path}; rename one")
        made[target.path] = target
    return list(made.values())


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file that is whole or not there, in a folder that is made where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}.making")
    making.write_bytes(data)
    making.replace(path)


def _kind(source: Path, wanted: Format) -> Kind:
    match wanted:
        case "png":
            return "png"
        case "jpg":
            return "jpeg"
        case "source":
            suffix = source.suffix.lower()
            return next((kind for kind, suffixes in _SUFFIXES.items() if suffix in suffixes), "png")
