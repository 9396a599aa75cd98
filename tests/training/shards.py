"""Small real datasets on disk, made of arrays."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from pipeline.dataset import Dataset
from pipeline.shards.writer import ShardSample, write_shard
from schemas.plan import PlanRow
from schemas.recipe import Recipe
from schemas.shard import ShardIndexRow


class MadePair(NamedTuple):
    key: str
    degradation: str
    task: str
    split: str
    degraded: np.ndarray
    clean: np.ndarray
    curriculum: str = ""


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def write_dataset(folder: Path, pairs: Iterable[MadePair], seed: int = 0) -> Path:
    """A finished dataset with one shard a split."""
    dataset = Dataset.create(folder, Recipe(seed=seed))
    samples: dict[str, list[ShardSample]] = {}
    for pair in pairs:
        row = PlanRow(
            unit=0,
            sample_key=pair.key,
            source_key=pair.key,
            uri="",
            sha256="",
            size=0,
            role="synthetic",
            split=pair.split,
            degradation=pair.degradation,
            variant=0,
            severity=0.5,
            curriculum=pair.curriculum,
        )
        members = {"lq.png": png(pair.degraded), "gt.png": png(pair.clean), "json": json.dumps({}).encode()}
        samples.setdefault(pair.split, []).append(ShardSample(row, pair.task, members))
    for unit, (split, part) in enumerate(sorted(samples.items())):
        stem = dataset.stem(unit, split)
        index = write_shard(dataset.shards / f"{stem}.tar", f"{stem}.tar", part)
        pq.write_table(ShardIndexRow.to_table(index), dataset.index / f"{stem}.parquet")
    return folder


def spoil(folder: Path, key: str, member: str) -> None:
    """Overwrites the bytes of a member (`lq`, `gt` or `json`) of one sample with noise."""
    dataset = Dataset.open(folder)
    for row in pq.read_table(dataset.index).to_pylist():
        if row["key"] == key and row["member"].partition(".")[0] == member:
            with (dataset.shards / row["shard"]).open("r+b") as shard:
                shard.seek(row["offset"])
                shard.write(np.random.default_rng(0).bytes(row["size"]))
