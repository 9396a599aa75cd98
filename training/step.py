"""One stage at work: model, average, optimizer and data, moved on one step at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from torch import Tensor

from schemas.errors import DivergedError
from schemas.recipe.training import TrainingSection
from training import flow, stages
from training.data.batches import Batch, batches
from training.data.pairs import PairSet
from training.editors import build_editor
from training.editors.base import EditorConfig
from training.editors.loading import load_weights
from training.ema import MovingAverage
from training.encodings import Encoder
from training.families.timesteps import shift_for
from training.lora import adapt, frozen_in_blocks, is_adapter, start_rows
from training.observing.divergence import divergence
from training.observing.meter import Meter
from training.observing.timings import Timings
from training.parallel import World, accumulating, gradient_norm, keep_in_bf16, parallelize


@dataclass(frozen=True)
class Outcome:
    """What a step measured, over the global batch: mean loss, by σ bin and by task; learning rate; gradient norm before
    clipping; samples replaced because they could not be read.
    """

    loss: float
    loss_by_time: dict[str, float]
    loss_by_task: dict[str, float]
    learning_rate: float
    gradient_norm: float
    replaced: int


class StageAtWork:
    """The state of a stage. Nothing here is random but what is keyed by seed, stage name and place of the sample, so
    tensors, step and data position are all there is to save.
    """

    def __init__(
        self,
        training: TrainingSection,
        seed: int,
        name: str,
        sets: Mapping[str, PairSet],
        world: World,
    ) -> None:
        self.name, self.stage, self.world = name, training.stages[name], world
        self.key = f"{seed}/{name}"
        self.editor = build_editor(EditorConfig.of(training), seed)
        self.encoder = Encoder(self.editor, training.data, self.key)  # refuses before weights are read
        rows = self.editor.base_weights()
        if training.lora.rank:
            adapt(self.editor, training.lora)
            rows = start_rows(self.editor, rows, seed)
            if training.parallel.precision == "bf16":
                keep_in_bf16(frozen_in_blocks(self.editor))
        stages.freeze(self.editor, self.stage.frozen_single_blocks)
        parallelize(self.editor, training.parallel, world)
        load_weights(self.editor, world.device, rows or {}, training.parallel.offload)
        self.editor.train()
        self.trained = {
            name: parameter
            for name, parameter in self.editor.named_parameters()
            if not training.lora.rank or is_adapter(name)
        }
        self.average = MovingAverage(self.editor, self.stage.ema, list(self.trained))
        self.adam = stages.optimizer(self.editor, self.stage)
        self.data = iter(batches(sets, self.stage, training, self.key, world.rank, world.size))
        self._objective = training.objective
        self._meter = Meter(world, self.editor)

    def average_tensors(self) -> dict[str, Tensor]:
        """The averaged weights by their names in a checkpoint."""
        return {f"average.{name}": tensor for name, tensor in self.average.weights.items()}

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of a checkpoint by name, sharing memory with the state."""
        named = self.average_tensors()
        for name, parameter in self.trained.items():
            named[f"model.{name}"] = parameter.detach()
            for entry, tensor in self.adam.state.get(parameter, {}).items():
                named[f"optimizer.{name}.{entry}"] = tensor
        return named

    def aside(self) -> AbstractContextManager[None]:
        """Around what is no part of training, between two steps."""
        return self._meter.aside()

    def start_from_average(self) -> None:
        """The model takes over the averaged weights, as when a stage starts from a checkpoint of the one before."""
        self.average.into_model()

    def take(self, step: int) -> tuple[Outcome, Timings]:
        """Optimizer step number `step` of the stage, counted from 0.

        Raises DivergedError, before any weight has moved, when loss or gradient is not finite.
        """
        with self._meter.waiting():
            microbatches: Sequence[Batch] = next(self.data)
        rate = stages.learning_rate(self.stage, step)
        self.adam.param_groups[0]["lr"] = rate
        share = self.stage.batch_size // self.world.size
        for number, batch in enumerate(microbatches, start=1):
            accumulating(self.editor, last=number == len(microbatches))
            losses, times = self._losses(batch)
            with self._meter.part("backward"):
                (losses.sum() / share).backward()
            self._meter.samples(batch, times, losses.detach())
        measured = self._meter.reduce()
        with self._meter.part("optimizer"):
            norm = gradient_norm(self.adam.param_groups[0]["params"], self.stage.clip)
            if not (math.isfinite(measured.loss) and math.isfinite(norm)):
                raise DivergedError(divergence(self.name, step, measured, norm, rate, microbatches))
            self.adam.step()
            self.adam.zero_grad(set_to_none=True)
            self.average.update(step)
        outcome = Outcome(measured.loss, measured.loss_by_time, measured.loss_by_task, rate, norm, measured.replaced)
        return outcome, self._meter.timings()

    def _losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The objective of each sample (B,), and its time."""
        with self._meter.part("encode"):
            encoded = self.encoder(batch)
        rule = self.editor.timesteps.training if self._objective.shift is None else self._objective.shift
        shift = shift_for(rule, self.editor.target_tokens(*batch.clean.shape[2:]))
        point = flow.draw_point(encoded.clean, encoded.degraded, self._objective, shift, self.key, batch.places)
        with self._meter.part("forward"):
            predicted = self.editor(point.state, point.time, point.reference, encoded.condition)
            losses = flow.sample_losses(predicted, point.velocity, self._objective.logarithmic)
        return losses, point.time
