"""Samples/s of the shard reader over the plain webdataset reader, on the same shards, in one run.

    python benchmarks/reader.py [--dataset DIR] [--rounds 5] [--json FILE]

Both read every sample of the training split once, in their own natural order (ours in a random order, which is what a
trainer does; webdataset in tar order) and parse the JSON member; neither decodes pixels. Without --dataset a dataset of
the photographs in the dependencies is made first.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import webdataset
from rich.console import Console
from rich.table import Table

from jobs.demo_photos import demo_photos
from jobs.synthesize import run_synthesis
from pipeline.dataset import Dataset
from pipeline.engines.local import LocalEngine
from pipeline.shards.reader import ShardReader
from schemas.recipe import parse_recipe


def _make(root: Path, console: Console) -> None:
    sources = [{"path": str(path)} for path in demo_photos()]
    recipe = parse_recipe({"sources": sources, "plan": {"variants": 10}, "policy": {"rules": []}})
    run_synthesis(recipe, root, LocalEngine(), console)


def _read_ours(root: Path) -> int:
    reader = ShardReader(root)
    order = np.random.default_rng(0).permutation(len(reader))
    return sum(len(reader[int(i)].degraded) > 0 for i in order)


def _read_webdataset(root: Path) -> int:
    shards = sorted(str(path) for path in Dataset.open(root).shards.glob("train-*.tar"))
    samples = webdataset.WebDataset(shards, shardshuffle=False, empty_check=False)
    return sum(json.loads(sample["json"])["key"] == sample["__key__"] for sample in samples)


def _rate(read: Callable[[Path], int], root: Path) -> float:
    started = time.perf_counter()
    samples = read(root)
    return samples / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, help="a finished dataset (default: one is made)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each reader, after one to warm up")
    parser.add_argument("--json", type=Path, help="write the same figures to this file")
    arguments = parser.parse_args()
    console = Console()
    readers = {"shard reader, random order": _read_ours, "webdataset, tar order": _read_webdataset}
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.dataset or Path(folder) / "dataset"
        if not arguments.dataset:
            _make(root, console)
        rates: dict[str, list[float]] = {name: [] for name in readers}
        for _ in range(arguments.rounds + 1):
            for name, read in readers.items():
                rates[name].append(_rate(read, root))
    ours, plain = (values[1:] for values in rates.values())
    figures: dict[str, Any] = {name: statistics.median(values[1:]) for name, values in rates.items()}
    figures["ratio"] = statistics.median(a / b for a, b in zip(ours, plain, strict=True))
    table = Table(title="Shard reading, encoded samples")
    table.add_column("reader")
    table.add_column("samples/s", justify="right")
    for name in readers:
        table.add_row(name, f"{figures[name]:.0f}")
    table.add_row("ratio (median of rounds)", f"{figures['ratio']:.2f}")
    console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
