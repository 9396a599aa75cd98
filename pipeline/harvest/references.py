"""The references that were made for a dataset's photographs, kept so that none is made twice."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.files import write_atomically

_DIGEST = 32


class ReferenceStore:
    """Lossless files by sample key, in the dataset's folder `references/`.

    A file ends with the sha256 of its bytes, which readers of PNG ignore; one that is not what was written counts as
    missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, sample_key: str) -> bytes:
        """The PNG file of a sample's reference. Raises FileNotFoundError when there is none, or it is damaged."""
        path = self._path(sample_key)
        data = path.read_bytes()
        if hashlib.sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
            raise FileNotFoundError(f"{path}: damaged; harvest again")
        return data[:-_DIGEST]

    def write(self, sample_key: str, png: bytes) -> None:
        """Keeps a reference. Raises OSError."""
        path = self._path(sample_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, png + hashlib.sha256(png).digest(), self._folder / "tmp")

    def _path(self, sample_key: str) -> Path:
        return self._folder / sample_key[:2] / f"{sample_key}.png"
