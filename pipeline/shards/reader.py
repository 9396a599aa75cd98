"""Reading samples of finished shards at random, through their index."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.dataset import Dataset
from pipeline.shards.place import Place
from schemas.errors import DamagedError, DatasetError
from schemas.source import Split


class Sample(NamedTuple):
    """One pair as stored: encoded bytes of the degraded image and of the clean target, and the JSON member."""

    key: str
    degraded: bytes
    clean: bytes
    meta: dict[str, Any]


#: Bytes beside the members (headers, padding) that are read with them to save requests.
_GAP = 64 * 1024
#: Columns that earlier indices lack, and what stands for them.
_LATER = {"curriculum": "", "width": 0, "height": 0}
#: Where a dataset keeps what.
_LAYOUT = Dataset(Path())


class ShardReader:
    """Random access to the accepted samples of one or several datasets, in the order of their keys.

    `keys`, `tasks`, `degradations`, `roles`, `severities`, `curricula` ("" in indices without it), `digests` and
    `sizes` are columns with one entry a sample. A digest is the first 16 hex digits of the sha256 of both images'
    sha256, degraded then clean; a size is height and width of the degraded image, 0 where the index does not tell.
    Samples that a later `tarnish decide` rejected are left out. Threads may share the reader; it can be pickled and
    read from several processes.

    datasets: dataset folders, or places in object stores (s3://, gs://; see `Place`): index and decision are read once,
    a sample by one request for its part of the shard; several threads hide a store's latency. split: "train",
    "validation" or "heldout".
    Raises DatasetError when a place holds no finished dataset, a shard is missing, or a key occurs twice.
    """

    def __init__(self, datasets: str | Path | Sequence[str | Path], split: Split = "train") -> None:
        roots = [datasets] if isinstance(datasets, str | Path) else list(datasets)
        self._places = [Place(root) for root in roots]
        tables = [_index(place, number, split) for number, place in enumerate(self._places)]
        table = pa.concat_tables(tables).sort_by([("key", "ascending"), ("kind", "ascending")])
        rows = table.num_rows
        keys = table["key"].to_numpy(zero_copy_only=False)
        kinds = table["kind"].to_numpy(zero_copy_only=False)
        self._offsets = table["offset"].to_numpy()
        self._sizes = table["size"].to_numpy()
        whole = rows % 3 == 0 and (kinds.reshape(-1, 3) == ["gt", "json", "lq"]).all()
        if not whole or _repeats(keys[::3]) or min(self._offsets.min(initial=0), self._sizes.min(initial=0)) < 0:
            raise DatasetError(
                f"index of {', '.join(map(str, roots))}: a sample has not exactly one degraded, one clean and one "
                "JSON member; the same dataset may be named twice, or its index damaged"
            )
        self._offsets, self._sizes = self._offsets.reshape(-1, 3), self._sizes.reshape(-1, 3)
        first = table.take(np.arange(0, rows, 3))
        self._shards: list[str] = first["shard"].to_pylist()
        self._datasets: list[int] = first["dataset"].to_pylist()
        self.keys: list[str] = first["key"].to_pylist()
        self.tasks: list[str] = first["task"].to_pylist()
        self.degradations: list[str] = first["degradation"].to_pylist()
        self.roles: list[str] = first["role"].to_pylist()
        self.severities: list[float] = first["severity"].to_pylist()
        self.curricula: list[str] = first["curriculum"].to_pylist()
        degraded = table.take(np.arange(2, rows, 3))
        self.sizes: list[tuple[int, int]] = [
            (height or 0, width or 0)
            for height, width in zip(degraded["height"].to_pylist(), degraded["width"].to_pylist(), strict=True)
        ]
        hashes = table["sha256"].to_numpy(zero_copy_only=False).reshape(-1, 3)
        self.digests: list[str] = [_digest(degraded, clean) for clean, _, degraded in hashes]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, position: int) -> Sample:
        """The sample at `position`. Raises IndexError past the end, DamagedError when its shard is cut off, and
        DatasetError when it cannot be read for now; both name place and key.
        """
        position = range(len(self))[position]
        clean, meta, degraded = self._read(position)
        return Sample(self.keys[position], degraded, clean, json.loads(meta))

    def _read(self, position: int) -> list[bytes]:
        """The members clean, JSON and degraded."""
        offsets, sizes = self._offsets[position].tolist(), self._sizes[position].tolist()
        start, stop = min(offsets), max(map(sum, zip(offsets, sizes, strict=True)))
        if stop - start > sum(sizes) + _GAP:
            return [self._part(position, offset, size) for offset, size in zip(offsets, sizes, strict=True)]
        data = self._part(position, start, stop - start)
        return [data[offset - start : offset - start + size] for offset, size in zip(offsets, sizes, strict=True)]

    def _part(self, position: int, offset: int, size: int) -> bytes:
        place, shard, key = self._places[self._datasets[position]], self._shards[position], self.keys[position]
        data = place.extent(_LAYOUT.shards.name, shard, offset, size, f"sample {key}")
        if len(data) != size:
            raise DamagedError(f"{place.root}: {shard} is cut off inside sample {key}; make the dataset again")
        return data


def _digest(degraded: str, clean: str) -> str:
    return hashlib.sha256(f"{degraded}{clean}".encode()).hexdigest()[:16]


def _repeats(keys: Any) -> bool:
    return bool((keys[1:] == keys[:-1]).any())


def _index(place: Place, number: int, split: str) -> pa.Table:
    """The rows of `split` in the index of a dataset, of samples that are still accepted."""
    if place.read(_LAYOUT.description.name) is None:
        raise DatasetError(
            f"{place.root}: no dataset here ({_LAYOUT.description.name} is missing); name the folder of a finished run"
        )
    parts = [name for name in place.names(_LAYOUT.index.name) if name.endswith(".parquet")]
    if not parts:
        raise DatasetError(f"dataset {place.root}: no index in {_LAYOUT.index}/; run `tarnish synthesize` first")
    tables = [_parquet(place, data) for data in place.read_all(_LAYOUT.index.name, parts)]
    table = pa.concat_tables(tables, promote_options="default")
    for name, absent in _LATER.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.array([absent] * table.num_rows))
    table = table.filter(pc.equal(table["split"], split))
    decided = place.read(_LAYOUT.decision.name)
    if decided is not None:
        decision = _parquet(place, decided, columns=["sample_key", "verdict"])
        dropped = decision.filter(pc.not_equal(decision["verdict"], "accepted"))["sample_key"]
        table = table.filter(pc.invert(pc.is_in(table["key"], dropped.combine_chunks())))
    shards = set(place.names(_LAYOUT.shards.name))
    for name in pc.unique(table["shard"]).to_pylist():
        if Path(name).name != name or name not in shards:
            raise DatasetError(
                f"dataset {place.root}: the index names shard {name!r}, which is not in {_LAYOUT.shards}/"
            )
    kind = pc.list_element(pc.split_pattern(table["member"], "."), 0)
    table = table.append_column("kind", kind)
    table = table.append_column("dataset", pa.array([number] * table.num_rows, type=pa.int64()))
    return table.filter(pc.is_in(table["kind"], pa.array(["gt", "json", "lq"])))


def _parquet(place: Place, data: bytes | None, columns: list[str] | None = None) -> pa.Table:
    try:
        return pq.read_table(pa.BufferReader(data or b""), columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise DatasetError(f"{place.root}: a file of index or decision is damaged ({error}); restore it") from error
