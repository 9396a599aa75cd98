"""Tensors of a checkpoint: into tensors sharded in any way, or rows of single ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
import torch.distributed.checkpoint as dcp
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata

from schemas.errors import CheckpointError
from training.checkpoints.contents import Contents, damaged
from training.checkpoints.failures import described, unremarked
from training.checkpoints.memory import memory
from training.editors.base import Rows
from training.parallel import World


def load_tensors(folder: Path, tensors: Mapping[str, Tensor], world: World) -> None:
    """Fills `tensors`, in place, from the checkpoint in `folder`, resharding as they are sharded; every process must
    call it. Each reads only what it holds. Other tensors of the checkpoint are not read.

    Raises CheckpointError, listing names and shapes, when one is missing or of another shape, and one that names the
    file when a file is missing or damaged.
    """
    same = Contents.of(folder).same
    reader, there = _metadata(folder)
    _compare(folder, tensors, same, _sizes(there))
    sources: dict[str, Tensor] = {}
    copies: list[tuple[Tensor, Tensor]] = []
    for name, tensor in tensors.items():
        first = sources.setdefault(same.get(name, name), tensor)
        if memory(first) != memory(tensor):
            copies.append((tensor, first))
    unremarked()
    try:
        dcp.load(dict(sources), storage_reader=reader, no_dist=world.size == 1)
    except CheckpointException as error:
        raise CheckpointError(f"checkpoint {folder}: cannot be read: {described(error)}") from error
    with torch.no_grad():
        for tensor, first in copies:
            tensor.copy_(first)


def checkpoint_rows(folder: Path, prefix: str) -> Mapping[str, Rows]:
    """Readers of the tensors whose names in the checkpoint begin with `prefix`, by the rest of the name.

    Only headers are read now, of all files. A tensor without axes is given whole.

    Raises CheckpointError when a file is missing or damaged.
    """
    same = Contents.of(folder).same
    _, there = _metadata(folder)
    sizes = _sizes(there)
    pieces: dict[str, list[_Piece]] = {name: [] for name in sizes}
    for index, place in there.storage_data.items():
        assert index.offset is not None
        pieces[index.fqn].append(_Piece(Path(place.relative_path), tuple(index.offset), tuple(place.shape)))
    sources = {**{name: name for name in sizes}, **same}
    return {
        name.removeprefix(prefix): partial(_read_rows, source, sizes[source], pieces[source])
        for name, source in sources.items()
        if name.startswith(prefix)
    }


class _Piece(NamedTuple):
    """A block of a tensor: the file it lies in, where it begins in the tensor, its shape."""

    file: Path
    begin: tuple[int, ...]
    shape: tuple[int, ...]


def _read_rows(name: str, shape: Sequence[int], pieces: Sequence[_Piece], start: int, stop: int) -> Tensor:
    rows: Tensor | None = None
    for piece in pieces:
        first = piece.begin[0] if piece.begin else 0
        low, high = (max(start, first), min(stop, first + piece.shape[0])) if piece.shape else (0, 1)
        if low >= high and rows is not None:
            continue
        with safe_open(piece.file, framework="pt") as file:
            if not piece.shape:
                return file.get_tensor(name)
            part = file.get_slice(name)[low - first : max(high, low) - first]
        if rows is None:
            rows = torch.empty((stop - start, *shape[1:]), dtype=part.dtype)
        where = (slice(low - start, max(high, low) - start), *map(_span, piece.begin[1:], piece.shape[1:]))
        rows[where] = part
    assert rows is not None
    return rows


def _span(begin: int, length: int) -> slice:
    return slice(begin, begin + length)


def _metadata(folder: Path) -> tuple[HuggingFaceStorageReader, Metadata]:
    reader = HuggingFaceStorageReader(str(folder))
    try:
        return reader, reader.read_metadata()
    except (OSError, SafetensorError) as error:
        for file in sorted(folder.glob("*.safetensors")):
            try:
                with safe_open(file, framework="pt"):
                    pass
            except (OSError, SafetensorError) as cause:
                raise damaged(folder, file.name, str(cause)) from cause
        raise damaged(folder, "a file of tensors", str(error)) from error


def _sizes(metadata: Metadata) -> dict[str, tuple[int, ...]]:
    known = metadata.state_dict_metadata.items()
    return {name: tuple(entry.size) for name, entry in known if isinstance(entry, TensorStorageMetadata)}


def _compare(
    folder: Path, tensors: Mapping[str, Tensor], same: Mapping[str, str], there: Mapping[str, tuple[int, ...]]
) -> None:
    shapes = {name: (there.get(same.get(name, name)), tuple(tensor.shape)) for name, tensor in tensors.items()}
    wrong = [f"{name}: missing" for name, (saved, _) in shapes.items() if saved is None]
    wrong += [
        f"{name}: {saved} there, {here} here" for name, (saved, here) in shapes.items() if saved not in (None, here)
    ]
    if wrong:
        shown = "\n  ".join(wrong[:20]) + (f"\n  and {len(wrong) - 20} more" if len(wrong) > 20 else "")
        raise CheckpointError(f"checkpoint {folder} is of another architecture:\n  {shown}")
