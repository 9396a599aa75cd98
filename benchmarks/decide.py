"""Seconds to decide a large ledger: `python benchmarks/decide.py --rows 1000000`."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.dataset import Dataset
from pipeline.decide import decide_dataset
from schemas.ledger import LedgerRow
from schemas.recipe import Recipe
from schemas.recipe.degradations import DegradationsSection

_SCHEMA = LedgerRow.arrow_schema()


def write_ledger(dataset: Dataset, rows: int, each: int, scores: list[str]) -> None:
    """Ledger parts of `each` rows with random scores; what decide does not read is empty."""
    rng = np.random.default_rng(0)
    names = [name for name, weight in DegradationsSection().weights().items() if weight > 0]
    for number, start in enumerate(range(0, rows, each)):
        count = min(each, rows - start)
        columns = dict.fromkeys(_SCHEMA.names)
        offsets = np.arange(0, (count + 1) * len(scores), len(scores), dtype=np.int32)
        values = rng.uniform(0, 1, count * len(scores)) * np.tile(rng.uniform(0, 5, len(scores)), count)
        columns["scores"] = pa.MapArray.from_arrays(offsets, pa.array(scores * count), pa.array(values))
        columns["sample_key"] = pa.array([f"{start + n:016x}-v000-haze" for n in range(count)])
        columns["degradation"] = pa.array(rng.choice(names, count))
        columns["role"] = pa.array(["synthetic"] * count)
        columns["verdict"] = pa.array(np.where(rng.uniform(size=count) < 0.8, "accepted", "rejected"))
        columns["reason"] = pa.array([""] * count)
        columns["reasons"] = pa.array([[]] * count, pa.list_(pa.string()))
        columns["shard"] = pa.array([f"train-{number:06d}.tar"] * count)
        for field in _SCHEMA:
            if columns[field.name] is None:
                columns[field.name] = pa.nulls(count, field.type)
        schema = pa.schema([field.with_nullable(True) for field in _SCHEMA])
        pq.write_table(pa.table(columns, schema=schema), dataset.ledger / f"train-0-{number:06d}.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--each", type=int, default=512, help="rows a ledger part")
    parser.add_argument("--scores", type=int, default=60, help="scores a row")
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    recipe = Recipe()
    ruled = sorted({rule.score for rule in recipe.policy.rules})
    scores = [*ruled, *(f"source.other{n}" for n in range(given.scores - len(ruled)))]
    with tempfile.TemporaryDirectory() as folder:
        dataset = Dataset.create(Path(folder) / "dataset", recipe)
        write_ledger(dataset, given.rows, given.each, scores)
        took = []
        for _ in range(given.repeat):
            started = time.perf_counter()
            decision = decide_dataset(dataset, recipe.policy)
            took.append(time.perf_counter() - started)
        size = sum(path.stat().st_size for path in dataset.ledger.iterdir())
    print(
        f"{decision.rows.num_rows} rows in {-(-given.rows // given.each)} parts ({size / 1e6:.0f} MB), {len(scores)} "
        f"scores a row, {len(recipe.policy.rules)} rules: {statistics.median(took):.1f} s (median of {given.repeat})"
    )


if __name__ == "__main__":
    main()
