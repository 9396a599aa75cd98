"""The stages of a run, one after the other: train, validate, save, choose."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from schemas.recipe.training import TrainingSection
from training.checkpoints import Checkpoints
from training.data.pairs import PairSet
from training.observing.log import RunLog
from training.parallel import World
from training.selection import Selection
from training.step import StageAtWork
from training.stopping import StopRequest
from training.validation import Validation


@dataclass(frozen=True)
class Position:
    """Where a run stands. stage, step: of the stage in hand. total: steps of the run. data: the loader's state.

    selection: the validations so far and the best among them. blends: share of the change for each task, by the step
    of the run that was validated.
    """

    stage: str
    selection: Selection
    step: int = 0
    total: int = 0
    data: dict[str, Any] | None = None
    blends: dict[int, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> Position:
        """The position that a checkpoint's plain state holds."""
        blends = {int(step): blend for step, blend in state["blends"].items()}
        return cls(**{**state, "selection": Selection.read(state["selection"]), "blends": blends})

    def state(self) -> dict[str, Any]:
        """As plain data, for a checkpoint."""
        return {**self.__dict__, "selection": self.selection.state()}


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
        self._stop = StopRequest()

    def run(self, log: RunLog | None) -> Position:
        """Trains to the end; the final position. The leading process has a log.

        Ctrl-C or SIGTERM ends it after the step in hand with a checkpoint, and raises KeyboardInterrupt.
        """
        names = list(self._training.stages)
        saved = self._checkpoints.steps()
        rules = Selection(self._training.checkpoints.best, self._training.validation.patience)
        here = Position.read(self._checkpoints.state(saved[-1])) if saved else Position(names[0], rules)
        here = replace(here, selection=replace(rules, curve=here.selection.curve))  # how many are kept may change
        with self._stop.listening():
            for previous, name in zip([None, *names], names, strict=False):
                if names.index(name) < names.index(here.stage):
                    continue
                if name != here.stage:
                    here = replace(here, stage=name, step=0, data=None)
                here = self._run_stage(here, previous, log)
                gc.unfreeze()
                gc.collect()  # the stage's editor, averages and moments, before the next one's are made
        self._checkpoints.finish()
        return here

    def _run_stage(self, here: Position, previous: str | None, log: RunLog | None) -> Position:
        stage = self._training.stages[here.stage]
        work = StageAtWork(self._training, self._seed, here.stage, self._sets, self._world)
        if here.data is not None:
            self._checkpoints.load(here.total, work.tensors())
            work.data.set_state(here.data)
        elif previous is not None:
            self._checkpoints.load(here.selection.best(previous), work.average_tensors())
            work.start_from_average()
        else:
            here = self._judge(here, work, log)
        gc.freeze()  # what lives as long as the stage is looked through no more: a full collection takes 0.2 s
        every, between = self._training.validation.every, self._training.checkpoints.every
        while here.step < stage.steps and not here.selection.stops(here.stage):
            outcome, timings = work.take(here.step)
            here = replace(here, step=here.step + 1, total=here.total + 1)
            if log is not None:
                log.write("train", here.total, here.stage, asdict(outcome))
                log.timings(here.total, here.stage, timings)
                log.advance(here.stage, outcome.loss)
            stopping = self._stop.agreed(self._world)
            if here.step % every == 0 or here.step == stage.steps:
                here = self._judge(here, work, log)
            elif stopping or (between and here.step % between == 0):
                with work.aside():
                    here = self._save(here, work)
            if stopping:
                self._checkpoints.finish()
                raise KeyboardInterrupt
        return here

    def _judge(self, here: Position, work: StageAtWork, log: RunLog | None) -> Position:
        """Validates the averaged weights and writes a checkpoint that knows the outcome."""
        with work.aside():
            self._checkpoints.copied()  # the average changes places with the weights
            with work.average.in_place():
                work.editor.eval()
                verdict, shown = self._validation(work.encoder, self._world)
                work.editor.train()
            selection = here.selection.judge(here.stage, here.total, verdict.score)
            here = replace(here, selection=selection, blends={**here.blends, here.total: verdict.blend})
            if log is not None:  # before the checkpoint: a resumed run keeps the rows up to its step
                log.write("validation", here.total, here.stage, asdict(verdict))
                log.pictures(here.total, *shown)
            return self._save(here, work)

    def _save(self, here: Position, work: StageAtWork) -> Position:
        here = replace(here, data=work.data.get_state())
        self._checkpoints.save(here.total, work.tensors(), here.state())
        newest = self._checkpoints.steps()[-self._training.checkpoints.newest :]
        self._checkpoints.keep([*newest, *here.selection.kept()])
        return here
