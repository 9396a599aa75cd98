"""Samples/s of the training loader alone, with the processor time of each part of a sample.

    python -P benchmarks/training_data.py PHOTOS [--crop 1024] [--samples 64] [--json FILE]

PHOTOS: a folder of photographs. A dataset is made of them as synthesis makes it: the clean target brought to
1280 × 1024 or 1024 × 1280 pixels as JPEG, the degraded one (a mild trip through the web) as lossless PNG. Nothing is
held in memory between samples.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
from PIL import Image
from rich.console import Console
from rich.table import Table

from degradations.rng import generator
from filters.decoding import decode
from pipeline.dataset import Dataset
from pipeline.encoding import encode_lossless
from pipeline.shards.reader import Sample, ShardReader
from pipeline.shards.writer import ShardSample, write_shard
from schemas.plan import PlanRow
from schemas.recipe import Recipe
from schemas.recipe.training import DataSection, StageSection, TrainingSection
from schemas.shard import ShardIndexRow
from training.data.augment import web_style
from training.data.batches import batches, to_tensor
from training.data.fits import fitted, middle
from training.data.pairs import MAX_PIXELS, PairSet, PixelCache
from training.families.buckets import Size

_LONG, _SHORT = 1280, 1024


def _jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _make(folder: Path, photos: list[Path], samples: int) -> PairSet:
    dataset = Dataset.create(folder, Recipe())
    shard = []
    for number in range(samples):
        photo = decode(photos[number % len(photos)].read_bytes(), MAX_PIXELS).pixels
        wide = photo.shape[1] >= photo.shape[0]
        clean = middle(photo, Size(_SHORT, _LONG) if wide else Size(_LONG, _SHORT))
        encoded = _jpeg(clean)
        degraded = web_style(decode(encoded, MAX_PIXELS).pixels, generator(0, "benchmark", number))
        key = f"sample{number:05d}"
        row = PlanRow(
            unit=0,
            sample_key=key,
            source_key=key,
            uri="",
            sha256="",
            size=0,
            role="synthetic",
            split="train",
            degradation="compression",
            variant=0,
            severity=0.5,
        )
        members = {"lq.png": encode_lossless(degraded, "png"), "gt.jpg": encoded, "json": b"{}"}
        shard.append(ShardSample(row, "compression", members))
    stem = dataset.stem(0, "train")
    index = write_shard(dataset.shards / f"{stem}.tar", f"{stem}.tar", shard)
    pq.write_table(ShardIndexRow.to_table(index), dataset.index / f"{stem}.parquet")
    return PairSet.open("synthetic", [folder], "train", PixelCache(0))


def _rate(pairs: PairSet, data: DataSection, crop: int) -> tuple[float, float]:
    """Samples/s, and milliseconds of processor time a sample, of one pass in steps of 4 after the first step."""
    stage = StageSection(steps=len(pairs) // 4, batch_size=4, microbatch=1)
    training = TrainingSection(crop=crop, data=data, stages={"transfer": stage})
    steps = iter(batches({"synthetic": pairs}, stage, training, "0/transfer"))
    next(steps)
    started, worked = time.perf_counter(), time.process_time()
    counted = sum(len(microbatch.places) for step in steps for microbatch in step)
    return counted / (time.perf_counter() - started), (time.process_time() - worked) / counted * 1000


def _milliseconds(work: Callable[[int], Any], times: int) -> float:
    work(0)
    started = time.thread_time()
    for number in range(times):
        work(number)
    return (time.thread_time() - started) / times * 1000


def _parts(pairs: PairSet, samples: list[Sample], crop: int) -> dict[str, float]:
    times = min(16, len(samples))
    opened = [pairs[number] for number in range(times)]
    square, bucket = DataSection(fit="square"), DataSection(fit="bucket")
    fits = [fitted(pair, square, crop) for pair in opened]
    return {
        "decode degraded PNG": _milliseconds(lambda n: decode(samples[n].degraded, MAX_PIXELS), times),
        "decode clean JPEG": _milliseconds(lambda n: decode(samples[n].clean, MAX_PIXELS), times),
        "fit both to a bucket": _milliseconds(lambda n: fitted(opened[n], bucket, crop), times),
        "to tensors, both": _milliseconds(lambda n: [to_tensor([fits[n].degraded]), to_tensor([fits[n].clean])], times),
        "web-style trip": _milliseconds(lambda n: web_style(fits[n].degraded, generator(0, n)), times),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of photographs")
    parser.add_argument("--crop", type=int, default=1024, help="side of the training pictures, in pixels")
    parser.add_argument("--samples", type=int, default=64, help="size of the dataset")
    parser.add_argument("--json", type=Path, help="write the same figures to this file")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    console = Console()
    photos = sorted(path for path in arguments.photos.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    with tempfile.TemporaryDirectory() as folder:
        pairs = _make(Path(folder), photos, arguments.samples)
        manners: dict[str, dict[str, Any]] = {
            "crop": {"fit": "crop"},
            "square": {"fit": "square"},
            "bucket": {"fit": "bucket"},
            "bucket, web_style 0.5": {"fit": "bucket", "web_style": 0.5},
        }
        rates = {
            name: [_rate(pairs, DataSection(readers=readers, **data), arguments.crop) for readers in (1, 2)]
            for name, data in manners.items()
        }
        reader = ShardReader(Path(folder))
        samples = [reader[number] for number in range(min(16, len(reader)))]
        parts = _parts(pairs, samples, arguments.crop)
    table = Table(title=f"Training loader alone, {arguments.crop}² px, samples/s")
    table.add_column("data.fit")
    for readers in (1, 2):
        table.add_column(f"readers {readers}", justify="right")
    table.add_column("processor ms a sample", justify="right")
    for name, values in rates.items():
        table.add_row(name, *(f"{rate:.1f}" for rate, _ in values), f"{values[0][1]:.0f}")
    console.print(table)
    table = Table(title="One sample, processor time")
    table.add_column("part")
    table.add_column("ms", justify="right")
    for name, value in parts.items():
        table.add_row(name, f"{value:.1f}")
    console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"samples_per_second": rates, "milliseconds": parts}, indent=2) + "\n")


if __name__ == "__main__":
    main()
