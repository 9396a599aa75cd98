"""Reading samples of finished shards at random, through their index."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.dataset import Dataset
from schemas.errors import DatasetError
from schemas.source import Split


class Sample(NamedTuple):
    """One pair as stored: encoded bytes of the degraded image and of the clean target, and the JSON member."""

    key: str
    degraded: bytes
    clean: bytes
    meta: dict[str, Any]


class ShardReader:
    """Random access to the accepted samples of one or several datasets, in the order of their keys.

    `keys`, `tasks`, `degradations`, `roles`, `severities`, `curricula` ("" in indices without it) and `digests` are
    columns with one entry a sample; a digest is the first 16 hex digits of the sha256 of both images' sha256, degraded
    then clean. Samples that a later `tarnish decide` rejected are left out. The reader can be pickled and read from
    several processes.

    datasets: dataset folders. split: "train", "validation" or "heldout".
    Raises DatasetError when a folder is no finished dataset, a shard is missing, or a key occurs twice.
    """

    def __init__(self, datasets: Path | Sequence[Path], split: Split = "train") -> None:
        folders = [datasets] if isinstance(datasets, Path) else list(datasets)
        tables = [_index(Path(folder), number, split) for number, folder in enumerate(folders)]
        table = pa.concat_tables(tables).sort_by([("key", "ascending"), ("kind", "ascending")])
        rows = table.num_rows
        keys = table["key"].to_numpy(zero_copy_only=False)
        kinds = table["kind"].to_numpy(zero_copy_only=False)
        if rows % 3 or not (kinds.reshape(-1, 3) == ["gt", "json", "lq"]).all() or _repeats(keys[::3]):
            raise DatasetError(
                f"index of {', '.join(map(str, folders))}: a sample has not exactly one degraded, one clean and one "
                "JSON member; the same dataset may be named twice, or its index damaged"
            )
        first = table.take(np.arange(0, rows, 3))
        self._shards = [str(path) for path in first["path"].to_pylist()]
        self._offsets = table["offset"].to_numpy().reshape(-1, 3)
        self._sizes = table["size"].to_numpy().reshape(-1, 3)
        self._files: dict[str, int] = {}
        self.keys: list[str] = first["key"].to_pylist()
        self.tasks: list[str] = first["task"].to_pylist()
        self.degradations: list[str] = first["degradation"].to_pylist()
        self.roles: list[str] = first["role"].to_pylist()
        self.severities: list[float] = first["severity"].to_pylist()
        self.curricula: list[str] = first["curriculum"].to_pylist()
        hashes = table["sha256"].to_numpy(zero_copy_only=False).reshape(-1, 3)
        self.digests: list[str] = [_digest(degraded, clean) for clean, _, degraded in hashes]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, position: int) -> Sample:
        """The sample at `position`. Raises IndexError past the end and DatasetError when the shard is cut off."""
        position = range(len(self))[position]
        clean, meta, degraded = (self._read(position, member) for member in range(3))
        return Sample(self.keys[position], degraded, clean, json.loads(meta))

    def _read(self, position: int, member: int) -> bytes:
        path = self._shards[position]
        if path not in self._files:
            self._files[path] = os.open(path, os.O_RDONLY)
        size = int(self._sizes[position, member])
        data = os.pread(self._files[path], size, int(self._offsets[position, member]))
        if len(data) != size:
            raise DatasetError(f"{path}: cut off inside sample {self.keys[position]}; make the dataset again")
        return data

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_files": {}}

    def __del__(self) -> None:
        for descriptor in getattr(self, "_files", {}).values():
            os.close(descriptor)


def _digest(degraded: str, clean: str) -> str:
    return hashlib.sha256(f"{degraded}{clean}".encode()).hexdigest()[:16]


def _repeats(keys: Any) -> bool:
    return bool((keys[1:] == keys[:-1]).any())


def _index(folder: Path, number: int, split: str) -> pa.Table:
    dataset = Dataset.open(folder)
    parts = sorted(dataset.index.glob("*.parquet"))
    if not parts:
        raise DatasetError(f"dataset {folder}: no index in {dataset.index}; run `tarnish synthesize` first")
    table = pa.concat_tables([pq.read_table(part) for part in parts], promote_options="default")
    if "curriculum" not in table.column_names:
        table = table.append_column("curriculum", pa.array([""] * table.num_rows, type=pa.string()))
    table = table.filter(pc.equal(table["split"], split))
    if dataset.decision.exists():
        decision = pq.read_table(dataset.decision, columns=["sample_key", "verdict"])
        dropped = decision.filter(pc.not_equal(decision["verdict"], "accepted"))["sample_key"]
        table = table.filter(pc.invert(pc.is_in(table["key"], dropped.combine_chunks())))
    paths = {name: str(dataset.shards / name) for name in pc.unique(table["shard"]).to_pylist()}
    for name, path in paths.items():
        if Path(name).name != name or not Path(path).is_file():
            raise DatasetError(f"dataset {folder}: the index names shard {name!r}, which is not in {dataset.shards}")
    kind = pc.list_element(pc.split_pattern(table["member"], "."), 0)
    path_column = pa.array([paths[name] for name in table["shard"].to_pylist()], type=pa.string())
    table = table.append_column("kind", kind).append_column("path", path_column)
    return table.filter(pc.is_in(table["kind"], pa.array(["gt", "json", "lq"])))
