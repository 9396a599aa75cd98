"""What a judge has not answered about a dataset yet, as rows for an engine that asks a model on a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2

from filters.judge.conversation import encoded
from pipeline.dataset import Dataset
from pipeline.remake import pictures_of
from schemas.ledger import LedgerRow
from schemas.recipe import Recipe


def unjudged(dataset: Dataset) -> Iterator[str]:
    """Stems of the units with rows that a judge has not scored."""
    yield from sorted(path.name for path in dataset.unscored.glob("*-*"))


class QuestionWorker:
    """Called with the stem of a unit as JSON; returns the questions about its rows: picture (JPEG bytes), kind and
    degradation, as `filters.judge.rows` has them. A picture that cannot be made again is left out.
    """

    def __init__(self, root: Path, recipe: Recipe) -> None:
        cv2.setNumThreads(1)
        self._dataset, self._recipe = Dataset.open(root), recipe

    def __call__(self, task: bytes) -> list[dict[str, Any]]:
        rows = LedgerRow.read_parquet(self._dataset.ledger / f"{json.loads(task)}.parquet")
        return [question for row in rows for question in self._questions(row)]

    def _questions(self, row: LedgerRow) -> Iterator[dict[str, Any]]:
        wanted = {fault.partition(":")[0] for fault in row.unscored if ".judge." in fault}
        if not wanted:
            return
        try:
            pictures = pictures_of(row, self._dataset, self._recipe)
        except (OSError, ValueError):
            return
        long_side = self._recipe.filters.judge.long_side
        for name in sorted(wanted):
            seen, _, kind = name.split(".")
            pixels = pictures.degraded if seen == "input" else pictures.clean
            if pixels is not None:
                degradation = "" if seen == "source" else row.degradation
                yield {"picture": encoded(pixels, long_side), "kind": kind, "degradation": degradation}
