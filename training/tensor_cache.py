"""Dictionaries of tensors kept in files."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from pipeline.files import write_atomically
from schemas.errors import RecipeError

#: Raised with every change of what a key or a file means.
_FORMAT = 1
#: Bytes of a safetensors file that give the length of its header.
_LENGTH = 8

#: What tensors were made of: first their kind, then all that they depend on.
Key = tuple[str, ...]


@dataclass
class CacheCounts:
    """Entries that were found, that were not there and were kept once made, and files that were damaged and removed."""

    found: int = 0
    kept: int = 0
    damaged: int = 0


class TensorCache:
    """Dictionaries of tensors under what they were made of, as safetensors files in a folder.

    A file is written whole or not at all, of finite values alone, and carries its own key and a digest of its tensors.
    One that is not what was written, or does not fit, is removed and counts as missing. Threads and processes may share
    the folder.

    Raises RecipeError when the folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts = CacheCounts()
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def has(self, key: Key) -> bool:
        """Whether there is a file for this key, sound or not."""
        return self._path(_text(key)).is_file()

    def get(
        self, key: Key, fits: Callable[[Mapping[str, Tensor]], bool] = lambda tensors: True
    ) -> dict[str, Tensor] | None:
        """The tensors kept under `key`, on the CPU and of the dtypes that were kept.

        fits: whether names, shapes and dtypes are those that the caller expects.
        """
        text = _text(key)
        path = self._path(text)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        tensors = _sound(data, text)
        if tensors is None or not fits(tensors):
            path.unlink(missing_ok=True)
            self._count("damaged")
            return None
        self._count("found")
        return tensors

    def put(self, key: Key, tensors: Mapping[str, Tensor]) -> None:
        """Keeps `tensors` of any device under `key`; nothing where a value is not finite."""
        here = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        if not _finite(here):
            return
        text = _text(key)
        path = self._path(text)
        data = safetensors.torch.save(here, metadata={"key": text, "sha256": _digest(here)})
        try:
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, data, self.folder / "tmp")
        except OSError as error:
            raise self._unusable(error) from error
        self._count("kept")

    def _path(self, text: str) -> Path:
        name = hashlib.sha256(text.encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.safetensors"

    def _count(self, what: str) -> None:
        with self._lock:
            setattr(self.counts, what, getattr(self.counts, what) + 1)

    def _unusable(self, error: OSError) -> RecipeError:
        return RecipeError(
            f"training.data.cache: {self.folder} cannot be used ({error.strerror or error}); make room, name another "
            "folder, or leave it empty"
        )


def _text(key: Key) -> str:
    return json.dumps([_FORMAT, *key], ensure_ascii=False)


def _sound(data: bytes, text: str) -> dict[str, Tensor] | None:
    """The tensors of a file, if it is whole and holds what was kept under this key."""
    try:
        length = int.from_bytes(data[:_LENGTH], "little")
        header = json.loads(data[_LENGTH : _LENGTH + length])
        described = header["__metadata__"]
        tensors = safetensors.torch.load(data)
        whole = described["key"] == text and described["sha256"] == _digest(tensors)
    except (SafetensorError, ValueError, LookupError, TypeError):
        return None
    return tensors if whole else None


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """sha256 over names, dtypes, shapes and values."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _finite(tensors: Mapping[str, Tensor]) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values())
