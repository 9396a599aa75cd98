"""The held-out samples of a dataset through an editor, and what a report says of the dataset."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from evaluation.compare import Comparison, Triple, compare
from evaluation.leakage import Leak, refuse_leaks
from evaluation.ledger_summary import score_values, summarise
from evaluation.overlap import find_overlaps
from filters.decoding import decode
from jobs.progress import progress_bar
from pipeline.dataset import Dataset
from pipeline.manifest import read_manifest
from pipeline.shards.reader import ShardReader
from pipeline.sources.uri import read_uri
from schemas.recipe import Recipe
from training.editors import load_editor
from training.restore import restore_image

_PACKAGES = ("tarnish", "numpy", "opencv-python-headless", "numba", "pillow", "pyarrow", "ray", "torch", "diffusers")
_SCORES = ("pair.strength", "pair.psnr")


def compare_heldout(dataset: Dataset, editor: Path, recipe: Recipe, steps: int, console: Console) -> Comparison:
    """Restores every accepted held-out sample with its own prompt and measures it against the clean target.

    Raises DatasetError when a held-out photograph is known from training, or when there is no held-out sample.
    """
    refuse_leaks(read_manifest(dataset), recipe.plan.near_duplicate_radius)
    return compare(_triples(dataset, editor, recipe, steps, console), recipe.evaluation.triples)


def report_basics(dataset: Dataset, recipe: Recipe) -> dict[str, Any]:
    """The fields of a RunReport that any dataset has."""
    decision = dataset.decision if dataset.decision.exists() else None
    return {
        "title": recipe.name,
        "recipe_name": recipe.name,
        "fingerprint": dataset.fingerprint(),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "ledger": summarise(dataset.ledger, decision),
        "scores": {score: score_values(dataset.ledger, score, decision) for score in _SCORES},
        "versions": dict(_versions()),
    }


def _triples(dataset: Dataset, editor: Path, recipe: Recipe, steps: int, console: Console) -> Iterator[Triple]:
    reader = ShardReader(dataset.root, split="heldout")
    loaded = load_editor(editor)
    with progress_bar(console) as bars:
        for position in bars.track(range(len(reader)), description="evaluate"):
            sample = reader[position]
            degraded, clean = (
                decode(data, recipe.decode.max_pixels).pixels for data in (sample.degraded, sample.clean)
            )
            yield Triple(
                sample_key=sample.key,
                source_key=sample.key.partition("-")[0],
                degradation=reader.degradations[position],
                task=reader.tasks[position],
                severity=reader.severities[position],
                degraded=degraded,
                restored=restore_image(loaded, degraded, sample.meta["prompts"]["en"], steps),
                clean=clean,
            )


def _versions() -> Iterator[tuple[str, str]]:
    for package in _PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue  # an extra that is not installed


def overlaps(dataset: Dataset, recipe: Recipe) -> list[Leak]:
    """Held-out photographs that are a crop of, or overlap, one of another split, found from their pixels."""
    pictures: dict[bool, list[tuple[str, NDArray[np.uint8]]]] = {True: [], False: []}
    for row in read_manifest(dataset):
        if row.perceptual_hash and not row.duplicate_ordinal:
            pixels = decode(read_uri(row.uri), recipe.decode.max_pixels).pixels
            pictures[row.split == "heldout"].append((row.uri, pixels))
    return find_overlaps(dict(pictures[True]), pictures[False])
