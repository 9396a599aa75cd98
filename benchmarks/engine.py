"""Steady images/s of the Ray engine over a bare multiprocessing pool that does the same fused work, in one run.

    python benchmarks/engine.py [--photos DIR] [--actors 2] [--rounds 2] [--json FILE]

Both run the same units of the same plan with the same worker class into fresh datasets, in turn. The first unit of
each worker is left out of the rate (imports, compiled code, Ray's start).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from jobs.demo_photos import demo_photos
from pipeline.dataset import Dataset
from pipeline.engines.local import LocalEngine
from pipeline.engines.ray_data import RayEngine
from pipeline.sources.rows import to_stream
from pipeline.synthesize import prepare
from pipeline.work import extend
from pipeline.worker import UnitWorker
from schemas.plan import PlanRow
from schemas.recipe import Recipe, parse_recipe

_worker: Callable[[bytes], bytes]


def _start(root: Path, recipe: Recipe) -> None:
    global _worker
    _worker = UnitWorker(root, recipe)


def _call(task: bytes) -> bytes:
    return _worker(task)


def _pool(tasks: list[bytes], root: Path, recipe: Recipe, workers: int) -> Iterator[bytes]:
    with multiprocessing.get_context("spawn").Pool(workers, _start, (root, recipe)) as pool:
        yield from pool.imap_unordered(_call, tasks)


def _rate(results: Iterable[bytes], images: int, workers: int) -> float:
    moments = [time.perf_counter() for _ in results]
    return (len(moments) - workers) * images / (moments[-1] - moments[workers - 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photographs (default: those in the dependencies)")
    parser.add_argument("--actors", type=int, default=2, help="workers of either engine")
    parser.add_argument("--variants", type=int, default=24, help="samples made of each photograph")
    parser.add_argument("--unit-size", type=int, default=16, help="images a work unit")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each engine")
    parser.add_argument("--json", type=Path, help="write the same figures to this file")
    arguments = parser.parse_args()

    paths = [str(arguments.photos)] if arguments.photos else [str(path) for path in demo_photos()]
    data: dict[str, Any] = {
        "seed": 1,
        "sources": [{"path": path} for path in paths],
        "plan": {"variants": arguments.variants, "unit_size": arguments.unit_size},
    }
    recipe = parse_recipe(data)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray_engine = RayEngine(arguments.actors)
    rates: dict[str, list[float]] = {"multiprocessing pool": [], "ray engine": []}
    for _ in range(arguments.rounds):
        for name, into in rates.items():
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder) / "dataset"
                dataset = Dataset.create(root, recipe)
                work = prepare(dataset, recipe, LocalEngine())
                extend(dataset, work)
                whole = [rows for _, rows in sorted(work.pending.items()) if len(rows) == arguments.unit_size]
                tasks = [to_stream(PlanRow, rows) for rows in whole]
                run = (
                    ray_engine.run(tasks, UnitWorker, (root, recipe))
                    if name == "ray engine"
                    else _pool(tasks, root, recipe, arguments.actors)
                )
                into.append(_rate(run, arguments.unit_size, arguments.actors))
    figures: dict[str, Any] = {name: statistics.median(values) for name, values in rates.items()}
    figures["ratio"] = statistics.median(
        ours / bare for ours, bare in zip(rates["ray engine"], rates["multiprocessing pool"], strict=True)
    )
    figures |= {"actors": arguments.actors, "units": len(tasks), "unit_size": arguments.unit_size, "rounds": rates}
    table = Table(title=f"Engine: {len(tasks)} units of {arguments.unit_size} images, {arguments.actors} workers")
    table.add_column("engine")
    table.add_column("images/s", justify="right")
    for name in rates:
        table.add_row(name, f"{figures[name]:.2f}")
    table.add_row("ratio (median of rounds)", f"{figures['ratio']:.3f}")
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
