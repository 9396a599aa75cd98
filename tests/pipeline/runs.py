"""Running the job in a test, and what a dataset holds."""

from __future__ import annotations

import tarfile
from pathlib import Path

from rich.console import Console

from jobs.synthesize import run_synthesis
from pipeline.dataset import Dataset
from pipeline.engines.local import LocalEngine
from schemas.ledger import LedgerRow
from schemas.recipe.degradations import DegradationsSection

#: Filters of a recipe whose test is about something else than text in pictures, which takes a second each to look for.
QUICK = {"watermark": {"provider": "overlay"}}


def only(name: str) -> dict[str, dict[str, float]]:
    """The degradations of a recipe that has this one alone."""
    return {other: {"weight": float(other == name)} for other in {*DegradationsSection().weights(), name}}


def synthesize(recipe, out: Path, engine=None) -> Dataset:
    run_synthesis(recipe, out, engine or LocalEngine(), Console(quiet=True))
    return Dataset.open(out)


def members(dataset: Dataset) -> dict[str, bytes]:
    """Every member of every shard, by name."""
    found: dict[str, bytes] = {}
    for shard in sorted(dataset.shards.glob("*.tar")):
        with tarfile.open(shard) as tar:
            for member in tar:
                assert member.name not in found, f"{member.name} is in two shards"
                found[member.name] = tar.extractfile(member).read()
    return found


def ledger(dataset: Dataset) -> list[LedgerRow]:
    return [row for part in sorted(dataset.ledger.glob("*.parquet")) for row in LedgerRow.read_parquet(part)]


def files(dataset: Dataset) -> dict[str, bytes]:
    """Every file of the dataset, by its path inside it."""
    return {
        str(path.relative_to(dataset.root)): path.read_bytes()
        for path in sorted(dataset.root.rglob("*"))
        if path.is_file()
    }
