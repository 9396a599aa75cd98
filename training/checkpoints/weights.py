"""The tensors of a checkpoint, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from schemas.errors import CheckpointError
from training.checkpoints.reading import checkpoint_rows


class SavedWeights(Mapping[str, Tensor]):
    """Tensors of a checkpoint, saved under `prefix` + name, as `precision`, whole, on the CPU.

    shapes: the names wanted, with their shapes.

    Raises CheckpointError when one is not there.
    """

    def __init__(
        self, folder: Path, prefix: str, shapes: Mapping[str, tuple[int, ...]], precision: torch.dtype
    ) -> None:
        self._rows, self._shapes, self._precision = checkpoint_rows(folder, prefix), shapes, precision
        if missing := [name for name in shapes if name not in self._rows]:
            raise CheckpointError(f"checkpoint {folder}: lacks {', '.join(missing[:20])}; it is of another editor")

    def __getitem__(self, name: str) -> Tensor:
        shape = self._shapes[name]
        return self._rows[name](0, shape[0] if shape else 1).to(self._precision)

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)
