"""Checkpoints of a run: whole or not there, sharded by torch DCP into safetensors, resumable on any world size."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch.distributed.checkpoint as dcp
from torch import Tensor
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter

from schemas.errors import CheckpointError
from training.parallel import World

_STATE = "state.json"
_MAKING = ".making"


class Checkpoints:
    """The checkpoints in one folder, one folder `step-NNNNNNNN` each: tensors and `state.json`."""

    def __init__(self, folder: Path, world: World) -> None:
        self._folder, self._world = folder, world
        if world.leads:
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.glob(f"*{_MAKING}"):
                shutil.rmtree(leftover)
        world.wait()

    def path(self, step: int) -> Path:
        """The folder of the checkpoint after `step` steps of the run."""
        return self._folder / f"step-{step:08d}"

    def steps(self) -> list[int]:
        """Steps of the finished checkpoints, ascending."""
        return sorted(int(path.name.removeprefix("step-")) for path in self._folder.glob("step-????????"))

    def save(self, step: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Writes a checkpoint; every process must call it. A crash leaves the earlier ones as they were."""
        making = self._folder / f"step-{step:08d}{_MAKING}"
        writer = HuggingFaceStorageWriter(str(making), save_distributed=True)
        with _quiet():
            dcp.save(dict(tensors), storage_writer=writer, no_dist=self._world.mesh is None)
        if self._world.leads:
            (making / _STATE).write_text(json.dumps(state, indent=1, sort_keys=True), encoding="utf-8")
            for written in (making / _STATE, making):
                _sync(written)
            making.rename(self.path(step))
            _sync(self._folder)
        self._world.wait()

    def state(self, step: int) -> dict[str, Any]:
        """The plain state saved with a checkpoint."""
        return dict(json.loads((self.path(step) / _STATE).read_text(encoding="utf-8")))

    def load(self, step: int, tensors: Mapping[str, Tensor]) -> None:
        """Fills `tensors` in place, resharding as they are sharded; every process must call it."""
        load_tensors(self.path(step), tensors, self._world)

    def keep(self, steps: Iterable[int]) -> None:
        """Removes all checkpoints but these."""
        if self._world.leads:
            for step in set(self.steps()) - set(steps):
                doomed = self.path(step).with_name(f"step-{step:08d}{_MAKING}")
                self.path(step).rename(doomed)
                shutil.rmtree(doomed)
        self._world.wait()


def load_tensors(folder: Path, tensors: Mapping[str, Tensor], world: World) -> None:
    """Fills `tensors` in place from a folder of safetensors. Other tensors of the folder are not read.

    Raises CheckpointError, listing names and shapes, when one is missing or of another shape.
    """
    reader = HuggingFaceStorageReader(str(folder))
    there = reader.read_metadata().state_dict_metadata
    wrong = [f"{name}: missing" for name in tensors if name not in there]
    wrong += [
        f"{name}: {tuple(there[name].size)} there, {tuple(tensor.shape)} here"  # type: ignore[union-attr]
        for name, tensor in tensors.items()
        if name in there and tuple(there[name].size) != tuple(tensor.shape)  # type: ignore[union-attr]
    ]
    if wrong:
        shown = "\n  ".join(wrong[:20]) + (f"\n  and {len(wrong) - 20} more" if len(wrong) > 20 else "")
        raise CheckpointError(f"checkpoint {folder} is of another architecture:\n  {shown}")
    with _quiet():
        dcp.load(dict(tensors), storage_reader=reader, no_dist=world.mesh is None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without DCP's remark that a single process is a single process."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        yield


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
