"""One worker: all stages of one unit, fused. What an engine runs, in whatever process."""

from __future__ import annotations

from pathlib import Path

import cv2

from degradations.memory import keep_freed_memory
from filters.select import FilterSet
from pipeline.dataset import Dataset
from pipeline.report import UnitReport
from pipeline.sources.rows import from_stream
from pipeline.stages.degrade import Degrade
from pipeline.stages.encode import Encode
from pipeline.stages.filter import Filter
from pipeline.stages.judge import Judge
from pipeline.stages.read import Read
from pipeline.stages.screen import Screen
from pipeline.stages.stage import Fused
from pipeline.stages.write import Write
from pipeline.unit import Unit
from schemas.plan import PlanRow
from schemas.recipe import Recipe


class UnitWorker:
    """Called with the plan rows of a unit as an Arrow stream; runs the stages; returns a `UnitReport` as bytes."""

    def __init__(self, root: Path, recipe: Recipe) -> None:
        cv2.setNumThreads(1)  # the engine has one worker a core already
        keep_freed_memory()
        degrade, filters = Degrade(recipe), FilterSet(recipe.filters)
        filters.load()
        self._filters = filters
        of_source, of_input = Filter("source", filters.of_source()), Filter("input", filters.of_input())
        ending = [of_input, Judge(recipe.policy), Encode(recipe.shards, recipe.text)]
        self._fused = Fused(
            [
                [Read(), Screen(recipe.decode)],
                *([[of_source, degrade], ending] if filters.batched else [[of_source, degrade, *ending]]),
            ],
            sources=max(degrade.sources, filters.sources),
        )
        self._write = Write(Dataset.open(root), recipe.degradations)

    def __call__(self, task: bytes) -> bytes:
        unit = self._write(self._fused(Unit.of_rows(from_stream(PlanRow, task))))
        return UnitReport.of_unit(unit, self._filters.taken()).to_bytes()
