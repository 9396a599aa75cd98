"""Decoded pairs of one named set of shards."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from filters.containers import open_header
from filters.decode_errors import DecodeError
from filters.decoding import decode
from pipeline.shards.reader import Sample, ShardReader
from schemas.errors import DamagedError, DatasetError
from schemas.source import Split
from training.families.buckets import Size

Pixels = NDArray[np.uint8]


class Reader(Protocol):
    """What is asked of `pipeline.shards.reader.ShardReader`."""

    keys: list[str]
    tasks: list[str]
    degradations: list[str]
    curricula: list[str]
    digests: list[str]
    sizes: list[tuple[int, int]]

    def __len__(self) -> int: ...

    def __getitem__(self, position: int) -> Sample: ...


class Pair(NamedTuple):
    """degraded, clean: uint8 (H, W, 3) in sRGB, of one size. digest: 16 hex digits over their encoded bytes."""

    key: str
    digest: str
    task: str
    degradation: str
    degraded: Pixels
    clean: Pixels


class PixelCache:
    """The most recently used decoded images, up to `megabytes`. Threads may share it."""

    def __init__(self, megabytes: int) -> None:
        self._room = megabytes * 1_000_000
        self._images: OrderedDict[tuple[str, ...], Pixels] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...], make: Callable[[], Pixels]) -> Pixels:
        """The image under `key`, made if it is not held."""
        with self._lock:
            if key in self._images:
                self._images.move_to_end(key)
                return self._images[key]
        image = make()
        with self._lock:
            if key not in self._images:
                self._images[key] = image
                self._room -= image.nbytes
                while self._room < 0 and self._images:
                    self._room += self._images.popitem(last=False)[1].nbytes
        return image


class PairSet:
    """The pairs of one named set, by position in the order of their keys.

    Raises DatasetError when the set is empty.
    """

    def __init__(self, name: str, reader: Reader, cache: PixelCache, split: Split = "train") -> None:
        if len(reader) == 0:
            raise DatasetError(
                f"training set {name!r} holds no sample of split {split!r}; name folders with accepted pairs"
            )
        self.name, self.split, self._reader, self._cache = name, split, reader, cache
        self._sizes: dict[int, Size | None] = {}

    @classmethod
    def open(cls, name: str, folders: Sequence[str | Path], split: Split, cache: PixelCache) -> PairSet:
        """The pairs of datasets: folders, or places in an object store.

        Raises DatasetError when one is missing or the split is empty.
        """
        if not folders:
            raise DatasetError(f"training set {name!r} names no folder; give it at least one dataset")
        return cls(name, ShardReader(list(folders), split=split), cache, split)

    def __len__(self) -> int:
        return len(self._reader)

    @property
    def keys(self) -> Sequence[str]:
        """Keys of the pairs, by position."""
        return self._reader.keys

    @property
    def tasks(self) -> Sequence[str]:
        """Tasks of the pairs, by position."""
        return self._reader.tasks

    @property
    def digests(self) -> Sequence[str]:
        """Digests of the pairs' encoded images, by position."""
        return self._reader.digests

    @property
    def curricula(self) -> set[str]:
        """The curricula that its pairs have."""
        return set(self._reader.curricula)

    def positions_by_task(self, curricula: Collection[str] = ()) -> dict[str, list[int]]:
        """Positions of the pairs of each task, tasks in alphabetical order; only of `curricula`, if any is given."""
        by_task = _grouped(self._reader.tasks)
        if not curricula:
            return by_task
        of = self._reader.curricula
        kept = {task: [i for i in positions if of[i] in curricula] for task, positions in by_task.items()}
        return {task: positions for task, positions in kept.items() if positions}

    def positions_by_degradation(self) -> dict[str, list[int]]:
        """Positions of the pairs of each degradation, in alphabetical order."""
        return _grouped(self._reader.degradations)

    def fingerprint(self) -> str:
        """16 hex digits over keys, tasks and digests: another set of pairs, or other images, has another one."""
        columns = zip(self._reader.keys, self._reader.tasks, self._reader.digests, strict=True)
        return hashlib.sha256("\n".join(map(" ".join, columns)).encode()).hexdigest()[:16]

    def size(self, position: int) -> Size | None:
        """Size of a pair's degraded image, from the index or else, once, from its header; None where neither tells.

        Raises DatasetError when the shard cannot be read for now.
        """
        if position not in self._sizes:
            told = Size(*self._reader.sizes[position])
            if all(told):
                return told
            try:
                width, height = open_header(self._read(position).degraded)[0].size
                self._sizes[position] = Size(height, width)
            except (DamagedError, DecodeError):
                self._sizes[position] = None
        return self._sizes[position]

    def __getitem__(self, position: int) -> Pair:
        """Raises DamagedError when a member is cut off, an image cannot be decoded or the two differ in size, and
        DatasetError when the shard cannot be read for now.
        """
        key = self._reader.keys[position]
        sample: list[Sample] = []

        def read() -> Sample:
            if not sample:
                sample.append(self._read(position))
            return sample[0]

        where = (self.name, self.split, key)
        degraded = self._cache.get((*where, "degraded"), lambda: self._decode(key, "degraded", read().degraded))
        clean = self._cache.get((*where, "clean"), lambda: self._decode(key, "clean", read().clean))
        if degraded.shape != clean.shape:
            raise DamagedError(
                f"training set {self.name!r}: sample {key} has a degraded image {degraded.shape[:2]} and a clean one "
                f"{clean.shape[:2]}; make the dataset again"
            )
        return Pair(
            key,
            self._reader.digests[position],
            self._reader.tasks[position],
            self._reader.degradations[position],
            degraded,
            clean,
        )

    def _read(self, position: int) -> Sample:
        try:
            return self._reader[position]
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise DamagedError(
                f"training set {self.name!r}: the JSON member of sample {self._reader.keys[position]} cannot be read "
                f"({error}); make the dataset again"
            ) from error

    def _decode(self, key: str, which: str, data: bytes) -> Pixels:
        try:
            return decode(data, max_pixels=MAX_PIXELS).pixels
        except MemoryError:
            raise
        except Exception as error:
            raise DamagedError(
                f"training set {self.name!r}: the {which} image of sample {key} cannot be decoded ({error}); "
                "make the dataset again"
            ) from error


#: Shards hold images that passed the pipeline's own limit; this one only bounds memory.
MAX_PIXELS = 500_000_000


def _grouped(names: Sequence[str]) -> dict[str, list[int]]:
    grouped: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        grouped.setdefault(name, []).append(position)
    return dict(sorted(grouped.items()))
