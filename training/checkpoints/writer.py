"""One process's part of a checkpoint, and the moment at which the parts become one."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path

from safetensors.torch import save_file
from torch.distributed.checkpoint._hf_utils import CUSTOM_METADATA_KEY, SAVED_OFFSETS_KEY
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import Metadata
from torch.distributed.checkpoint.planner import SavePlan, SavePlanner
from torch.distributed.checkpoint.storage import WriteResult
from torch.futures import Future

from training.checkpoints.contents import STATE, Contents, sync, write_durably


class CheckpointWriter(HuggingFaceStorageWriter):
    """Writes each process's shards into a file of its own in `making`; `finish`, which DCP calls on one process when
    all have succeeded, adds the rest and renames the folder to `final`. Everything is on the storage before the name.

    The files are those of `HuggingFaceStorageWriter`, which `HuggingFaceStorageReader` reads, but go from the tensors'
    memory to the file without a copy and without Python's lock, so that training goes on beside.

    state: JSON. same: see `Contents`.
    """

    def __init__(self, making: Path, final: Path, state: str, same: dict[str, str]) -> None:
        super().__init__(str(making), save_distributed=True)
        self._making, self._final, self._state, self._same = making, final, state, same

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        """Writes this process's items; a process without any writes no file."""
        tensors, offsets = {}, {}
        for item in plan.items:
            assert item.tensor_data is not None
            chunk, name = item.tensor_data.chunk, item.index.fqn
            if prod(chunk.sizes) or not prod(item.tensor_data.size):  # an empty shard of rows that others hold
                tensors[name] = planner.resolve_data(item).contiguous()  # type: ignore[union-attr]
                offsets[name] = {SAVED_OFFSETS_KEY: list(chunk.offsets)}
        written = []
        if tensors:
            assert plan.storage_data is not None
            file = self._making / f"shard-{plan.storage_data['shard_index']:05d}.safetensors"
            save_file(tensors, file, metadata={"format": "pt", CUSTOM_METADATA_KEY: json.dumps(offsets)})
            sync(file)
            size = file.stat().st_size
            written.append(WriteResult(plan.items[0].index, size, (file.name, size)))
        done: Future[list[WriteResult]] = Future()
        done.set_result(written)
        return done

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """Makes the folder the checkpoint."""
        files = dict(result.storage_data for written in results for result in written)
        Contents(files, self._same).write(self._making)
        write_durably(self._making / STATE, self._state)
        sync(self._making)
        self._making.rename(self._final)
        sync(self._final.parent)
