"""The tensors of a checkpoint, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from schemas.errors import CheckpointError
from training.checkpoints.reading import checkpoint_rows, checkpoint_shapes


class SavedWeights(Mapping[str, Tensor]):
    """The tensors `names` of a checkpoint, saved under `prefix` + name, as `precision`, whole, on the CPU.

    Raises CheckpointError when one is not there.
    """

    def __init__(self, folder: Path, prefix: str, names: Sequence[str], precision: torch.dtype) -> None:
        self._rows, self._shapes = checkpoint_rows(folder, prefix), checkpoint_shapes(folder, prefix)
        self._names, self._precision = list(names), precision
        if missing := [name for name in names if name not in self._rows]:
            raise CheckpointError(f"checkpoint {folder}: lacks {', '.join(missing[:20])}; it is of another editor")

    def __getitem__(self, name: str) -> Tensor:
        shape = self._shapes[name]
        return self._rows[name](0, shape[0] if shape else 1).to(self._precision)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
