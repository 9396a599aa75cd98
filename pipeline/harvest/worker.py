"""One worker of a harvest: all stages of one unit."""

from __future__ import annotations

from pathlib import Path

import cv2

from degradations.memory import keep_freed_memory
from filters.select import FilterSet
from pipeline.dataset import Dataset, code_version
from pipeline.harvest.encode import EncodePhotograph
from pipeline.harvest.generators.select import GeneratorFactory
from pipeline.harvest.judge import JudgePhotograph
from pipeline.harvest.name import Name
from pipeline.harvest.reference import MakeReference
from pipeline.harvest.references import ReferenceStore
from pipeline.harvest.screen import ScreenPhotograph
from pipeline.report import UnitReport
from pipeline.sources.rows import from_stream
from pipeline.stages.filter import Filter
from pipeline.stages.read import Read
from pipeline.stages.stage import Fused
from pipeline.stages.write import Write
from pipeline.unit import Unit
from schemas.plan import PlanRow
from schemas.recipe import Recipe


class HarvestWorker:
    """Called with the plan rows of a unit as an Arrow stream; runs the stages; returns a `UnitReport` as bytes.

    generator: builds the reference generator of the recipe in this process.
    """

    def __init__(self, root: Path, recipe: Recipe, generator: GeneratorFactory) -> None:
        cv2.setNumThreads(1)  # the engine has one worker a core already
        keep_freed_memory()
        dataset = Dataset.open(root)
        filters = FilterSet(recipe.filters)
        filters.load()
        self._filters = filters
        built = generator(recipe)
        if built is not None:
            built.load()  # a pipeline that cannot be used ends the run here, not every row of it
        make = MakeReference(recipe, built, ReferenceStore(dataset.references), code_version())
        self._fused = Fused(
            [
                [Read(), ScreenPhotograph(recipe)],
                [Filter("input", filters.of_photograph()), Name(recipe.harvest)],
                [Filter("input", filters.of_named_photograph())],
                [make],
                [
                    Filter("reference", filters.of_reference()),
                    JudgePhotograph(recipe.policy),
                    EncodePhotograph(recipe.shards, recipe.text),
                ],
            ],
            sources=max(recipe.filters.batch, built.batch if built else 1),
        )
        self._write = Write(dataset, recipe.degradations)

    def __call__(self, task: bytes) -> bytes:
        unit = self._write(self._fused(Unit.of_rows(from_stream(PlanRow, task))))
        return UnitReport.of_unit(unit, self._filters.taken()).to_bytes()
