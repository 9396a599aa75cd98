"""References made elsewhere: a folder of files named like the photographs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from filters.decoding import decode
from pipeline.harvest.generators.contract import Image, NoReference, Request
from pipeline.sources.listing import IMAGE_SUFFIXES
from schemas.errors import RecipeError

FIELD = "harvest.generator.path"


class FolderReferences:
    """Files of `path`, not of its subfolders, by file name without extension, or by sample key.

    Raises RecipeError when the folder is none, or two files differ in their extension alone.
    """

    provider, version, batch = "folder", "1", 16

    def __init__(self, path: str, max_pixels: int) -> None:
        folder = Path(path).expanduser()
        if not folder.is_dir():
            raise RecipeError(f"{FIELD}: {path!r} is no folder; name the folder of the references")
        self._max_pixels = max_pixels
        self._files: dict[str, Path] = {}
        for file in sorted(folder.iterdir()):
            if file.suffix.lower() in IMAGE_SUFFIXES:
                if file.stem in self._files:
                    raise RecipeError(
                        f"{FIELD}: {path!r} holds {self._files[file.stem].name} and {file.name}; keep one"
                    )
                self._files[file.stem] = file
        if not self._files:
            raise RecipeError(f"{FIELD}: {path!r} holds no image; name the folder of the references")

    def load(self) -> None:
        """Nothing is heavy here."""

    def generate(self, requests: Sequence[Request]) -> list[Image | Exception]:
        """The decoded file of each photograph."""
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Image | Exception:
        stem = PurePosixPath(request.uri).stem
        file = self._files.get(request.sample_key) or self._files.get(stem)
        if file is None:
            return NoReference(f"{FIELD} has no {stem} nor {request.sample_key}")
        try:
            return decode(file.read_bytes(), self._max_pixels).pixels
        except Exception as error:
            return error
