"""The stages of a run, one after the other: train, validate, save, choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from schemas.recipe.training import TrainingSection
from training.checkpoints import Checkpoints
from training.data.pairs import PairSet
from training.log import RunLog
from training.parallel import World
from training.step import StageAtWork
from training.validation import Validation, Verdict


@dataclass(frozen=True)
class Best:
    """The best checkpoint of a stage: steps of the run it has behind it, its score in dB, its blend of each task."""

    step: int
    score: float
    blend: dict[str, float]


@dataclass(frozen=True)
class Position:
    """Where a run stands. stage, step: of the stage in hand. total: steps of the run. data: the loader's state."""

    stage: str
    step: int = 0
    total: int = 0
    data: dict[str, Any] | None = None
    best: dict[str, Best] = field(default_factory=dict)

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> Position:
        """The position that a checkpoint's plain state holds."""
        best = {name: Best(**entry) for name, entry in state["best"].items()}
        return cls(**{**state, "best": best})


class Trainer:
    """Runs the stages of a recipe, from the start or from the newest checkpoint."""

    def __init__(
        self,
        training: TrainingSection,
        seed: int,
        sets: Mapping[str, PairSet],
        validation: Validation,
        checkpoints: Checkpoints,
        world: World,
    ) -> None:
        self._training, self._seed, self._sets = training, seed, sets
        self._validation, self._checkpoints, self._world = validation, checkpoints, world

    def run(self, log: RunLog | None) -> Position:
        """Trains to the end; the final position. The leading process has a log."""
        names = list(self._training.stages)
        saved = self._checkpoints.steps()
        here = Position.read(self._checkpoints.state(saved[-1])) if saved else Position(names[0])
        for previous, name in zip([None, *names], names, strict=False):
            if names.index(name) < names.index(here.stage):
                continue
            if name != here.stage:
                here = replace(here, stage=name, step=0, data=None)
            here = self._run_stage(here, previous, log)
        return here

    def _run_stage(self, here: Position, previous: str | None, log: RunLog | None) -> Position:
        stage = self._training.stages[here.stage]
        work = StageAtWork(self._training, self._seed, here.stage, stage, self._sets, self._world)
        if here.data is not None:
            self._checkpoints.load(here.total, work.tensors())
            work.data.set_state(here.data)
        elif previous is not None:
            self._checkpoints.load(here.best[previous].step, work.average_tensors())
            work.start_from_average()
        else:
            here = self._judge(here, work, log)
        while here.step < stage.steps:
            outcome = work.take(here.step)
            here = replace(here, step=here.step + 1, total=here.total + 1)
            if log is not None:
                log.advance(here.stage, outcome.loss)
                log.write("train", here.total, here.stage, asdict(outcome))
            if here.step % self._training.validation.every == 0 or here.step == stage.steps:
                here = self._judge(here, work, log)
        return here

    def _judge(self, here: Position, work: StageAtWork, log: RunLog | None) -> Position:
        """Validates the averaged weights and writes a checkpoint that knows the outcome."""
        with work.average.in_place():
            work.editor.eval()
            verdict: Verdict = self._validation(work.editor)
            work.editor.train()
        best = here.best.get(here.stage)
        if best is None or verdict.score > best.score:
            best = Best(here.total, verdict.score, verdict.blend)
        here = replace(here, data=work.data.get_state(), best={**here.best, here.stage: best})
        if log is not None:  # before the checkpoint: a resumed run keeps the rows up to its step
            log.write("validation", here.total, here.stage, asdict(verdict))
        self._checkpoints.save(here.total, work.tensors(), asdict(here))
        newest = self._checkpoints.steps()[-self._training.keep :]
        self._checkpoints.keep([*newest, *(entry.step for entry in here.best.values())])
        return here
