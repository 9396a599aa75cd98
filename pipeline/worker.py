"""One worker: all stages of one unit, fused. What an engine runs, in whatever process."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import pyarrow as pa

from degradations.memory import keep_freed_memory
from pipeline.dataset import Dataset
from pipeline.stages.degrade import Degrade
from pipeline.stages.encode import Encode
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
    """What became of one unit: its number, and rows by (verdict, first reason)."""

    unit: int
    counts: dict[tuple[str, str], int]

    @property
    def rows(self) -> int:
        return sum(self.counts.values())

    def to_bytes(self) -> bytes:
        return json.dumps([self.unit, [[*key, n] for key, n in self.counts.items()]]).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> UnitReport:
        unit, counts = json.loads(data)
        return cls(unit, {(verdict, reason): n for verdict, reason, n in counts})


class UnitWorker:
    """Called with the plan rows of a unit as an Arrow stream; runs the stages; returns a `UnitReport` as bytes."""

    def __init__(self, root: Path, recipe: Recipe) -> None:
        cv2.setNumThreads(1)  # the engine has one worker a core already
        keep_freed_memory()
        degrade = Degrade(recipe)
        self._fused = Fused(
            [Read(), Screen(recipe.decode)],
            [degrade, Judge(recipe.policy), Encode(recipe.shards)],
            sources=degrade.sources,
        )
        self._write = Write(Dataset.open(root), recipe.degradations)

    def __call__(self, task: bytes) -> bytes:
        unit = self._write(self._fused(Unit.of_rows(PlanRow.from_table(pa.ipc.open_stream(task).read_all()))))
        counts: Counter[tuple[str, str]] = Counter()
        for item in unit.items:
            reason = item.failed or (item.reasons[0] if item.reasons else "")
            counts[item.verdict, reason] += 1
        return UnitReport(unit.number, dict(counts)).to_bytes()


def unit_task(rows: list[PlanRow]) -> bytes:
    """The plan rows of one unit as an Arrow stream."""
    table = PlanRow.to_table(rows)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())
