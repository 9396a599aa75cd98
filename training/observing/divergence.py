"""What is said when a step has left the finite numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from training.observing.losses import Measured

#: Samples that are named at most.
_NAMED = 8


class Known(Protocol):
    """What is told of the samples of a microbatch: task, place in the stage's draws, identity where they have one."""

    @property
    def tasks(self) -> list[str]: ...
    @property
    def places(self) -> list[int]: ...
    @property
    def identities(self) -> list[str | None]: ...


def divergence(
    stage: str, step: int, measured: Measured, norm: float, rate: float, microbatches: Sequence[Known]
) -> str:
    """The text of a DivergedError: stage, step, whether loss or gradient is not finite, tasks over all processes, and
    the samples of this process that it comes from.

    microbatches: in the order in which the meter saw them. rate: the learning rate of the step.
    """
    samples = [sample for batch in microbatches for sample in _samples(batch)]
    losses, times = measured.own_losses.tolist(), measured.own_times.tolist()
    lines = [
        f"{name}, loss {loss:g} at time {time:.3f}" for name, loss, time in zip(samples, losses, times, strict=True)
    ]
    if math.isfinite(measured.loss):
        fault = f"the gradient's norm is {norm:g}, the loss {measured.loss:g}"
        tasks, heading = list(measured.loss_by_task), "samples of this process"
        remedy = f"lower stages.{stage}.learning_rate (here {rate:g}) or lengthen its warm-up"
    else:
        fault = f"the loss is {measured.loss:g}"
        tasks = [task for task, loss in measured.loss_by_task.items() if not math.isfinite(loss)]
        lines = [line for line, loss in zip(lines, losses, strict=True) if not math.isfinite(loss)]
        heading = "samples of this process with such a loss"
        remedy = f"look at these samples; if they are sound, lower stages.{stage}.learning_rate (here {rate:g})"
    shown = [*lines[:_NAMED], *([f"and {len(lines) - _NAMED} more"] if len(lines) > _NAMED else [])]
    listed = "\n  ".join(shown) or "none; another process has them"
    return (
        f"stage {stage!r}, step {step}: {fault}; tasks: {', '.join(tasks)}; no weight was changed. To go on, {remedy}, "
        f"and resume\n{heading}:\n  {listed}"
    )


def _samples(batch: Known) -> list[str]:
    return [
        f"{task} {identity or f'draw {place}'}"
        for task, place, identity in zip(batch.tasks, batch.places, batch.identities, strict=True)
    ]
