"""One worker: all stages of one unit, fused. What an engine runs, in whatever process."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import pyarrow as pa

from degradations.memory import keep_freed_memory
from filters.select import FilterSet
from pipeline.dataset import Dataset
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


@dataclass(frozen=True)
class UnitReport:
    """What became of one unit: its number, rows by (verdict, first reason), and rows that a filter failed on by filter."""

    unit: int
    counts: dict[tuple[str, str], int]
    unscored: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(self.counts.values())

    def to_bytes(self) -> bytes:
        return json.dumps([self.unit, [[*key, n] for key, n in self.counts.items()], self.unscored]).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> UnitReport:
        unit, counts, unscored = json.loads(data)
        return cls(unit, {(verdict, reason): n for verdict, reason, n in counts}, unscored)

    @classmethod
    def of_unit(cls, unit: Unit) -> UnitReport:
        """The report of a unit whose items have been through all stages."""
        counts: Counter[tuple[str, str]] = Counter()
        unscored: Counter[str] = Counter()
        for item in unit.items:
            counts[item.verdict, item.failed or (item.reasons[0] if item.reasons else "")] += 1
            unscored.update({fault.partition(":")[0] for fault in item.unscored})
        return cls(unit.number, dict(counts), dict(unscored))


class UnitWorker:
    """Called with the plan rows of a unit as an Arrow stream; runs the stages; returns a `UnitReport` as bytes."""

    def __init__(self, root: Path, recipe: Recipe) -> None:
        cv2.setNumThreads(1)  # the engine has one worker a core already
        keep_freed_memory()
        degrade, filters = Degrade(recipe), FilterSet(recipe.filters)
        of_source, of_input = Filter("source", filters.of_source()), Filter("input", filters.of_input())
        ending = [of_input, Judge(recipe.policy), Encode(recipe.shards)]
        self._fused = Fused(
            [
                [Read(), Screen(recipe.decode)],
                *([[of_source, degrade], ending] if filters.batched else [[of_source, degrade, *ending]]),
            ],
            sources=max(degrade.sources, filters.sources),
        )
        self._write = Write(Dataset.open(root), recipe.degradations)

    def __call__(self, task: bytes) -> bytes:
        unit = self._write(self._fused(Unit.of_rows(PlanRow.from_table(pa.ipc.open_stream(task).read_all()))))
        return UnitReport.of_unit(unit).to_bytes()


def unit_task(rows: list[PlanRow]) -> bytes:
    """The plan rows of one unit as an Arrow stream."""
    table = PlanRow.to_table(rows)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())
