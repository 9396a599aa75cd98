"""One stage at work: model, average, optimizer and data, moved on one step at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from schemas.errors import DivergedError
from schemas.recipe.training import StageSection, TrainingSection
from training import flow, stages
from training.data.batches import Batch, batches
from training.data.pairs import PairSet
from training.editors import build_editor
from training.editors.base import EditorConfig
from training.ema import MovingAverage
from training.parallel import World, gradient_norm, shard


@dataclass(frozen=True)
class Outcome:
    """What a step measured: loss (mean over the global batch), learning rate, gradient norm before clipping."""

    loss: float
    learning_rate: float
    gradient_norm: float


class StageAtWork:
    """The state of a stage. Nothing here is random but what is keyed by seed, stage name and place of the sample, so
    tensors, step and data position are all there is to save.
    """

    def __init__(
        self,
        training: TrainingSection,
        seed: int,
        name: str,
        stage: StageSection,
        sets: Mapping[str, PairSet],
        world: World,
    ) -> None:
        self.name, self.stage, self.world = name, stage, world
        self.key = f"{seed}/{name}"
        self.editor = build_editor(EditorConfig.of(training), seed)
        stages.freeze(self.editor, stage.frozen_single_blocks)
        shard(self.editor, world)
        self.editor.train()
        self.average = MovingAverage(self.editor, stage.ema)
        self.adam = stages.optimizer(self.editor, stage)
        self.data = iter(batches(sets, stage, training.crop, self.key, world.rank, world.size))
        self._objective = training.objective

    def average_tensors(self) -> dict[str, Tensor]:
        """The averaged weights by their names in a checkpoint."""
        return {f"average.{name}": tensor for name, tensor in self.average.weights.items()}

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of a checkpoint by name, sharing memory with the state."""
        named = self.average_tensors()
        for name, parameter in self.editor.named_parameters():
            named[f"model.{name}"] = parameter.detach()
            for entry, tensor in self.adam.state.get(parameter, {}).items():
                named[f"optimizer.{name}.{entry}"] = tensor
        return named

    def start_from_average(self) -> None:
        """The model takes over the averaged weights, as when a stage starts from a checkpoint of the one before."""
        self.average.into_model()

    def take(self, step: int) -> Outcome:
        """Optimizer step number `step` of the stage, counted from 0.

        Raises DivergedError, before any weight has moved, when loss or gradient is not finite.
        """
        batch: Batch = next(self.data)
        rate = stages.learning_rate(self.stage, step)
        self.adam.param_groups[0]["lr"] = rate
        loss = self._loss(batch)
        loss.backward()
        moving = self.adam.param_groups[0]["params"]
        norm = gradient_norm(moving, self.stage.clip)
        mean = self.world.mean(loss)
        if not (torch.isfinite(torch.tensor([mean, norm])).all()):
            raise DivergedError(
                f"stage {self.name!r}, step {step}: loss {mean}, gradient norm {norm}; no weight was changed. Lower "
                f"stages.{self.name}.learning_rate (now {self.stage.learning_rate}) or lengthen its warm-up, and resume"
            )
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        self.average.update(step)
        return Outcome(mean, rate, norm)

    def _loss(self, batch: Batch) -> Tensor:
        clean, degraded = self.editor.encode(batch.clean), self.editor.encode(batch.degraded)
        point = flow.draw_point(clean, degraded, self._objective, self.key, batch.places)
        condition = self.editor.encode_condition(batch.requests)
        predicted = self.editor(point.state, point.time, point.reference, condition)
        return flow.sample_losses(predicted, point.velocity, self._objective.logarithmic).mean()
