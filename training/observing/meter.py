"""Measures training steps: what they lost, and how long they took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import psutil
import torch
from torch import Tensor

from training.editors.base import Editor
from training.flops import peak_flops
from training.observing.clock import Clock
from training.observing.losses import CELLS, Measured, cell_means, cell_sums
from training.observing.timings import Memory, Part, Timings


class Processes(Protocol):
    """The processes of a run. `sum` gives the sum of a tensor over all of them, on its device."""

    @property
    def rank(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def device(self) -> torch.device: ...
    def sum(self, value: Tensor) -> Tensor: ...


class Samples(Protocol):
    """What the meter reads of a microbatch: pixels (B, 3, H, W) and the task of each."""

    @property
    def clean(self) -> Tensor: ...
    @property
    def tasks(self) -> list[str]: ...
    @property
    def replaced(self) -> Sequence[object]: ...


class Meter:
    """Of each optimizer step: `waiting` around the data, `part` around the work, `samples` after each forward pass,
    `reduce` before the optimizer, `timings` at the end. `aside` around what is no part of training.

    The losses of all processes are gathered in one reduction, whose result is the only thing read from the device.
    """

    def __init__(self, world: Processes, editor: Editor) -> None:
        self._world, self._editor = world, editor
        self._clock = Clock(world.device)
        self._passes = passes(editor)
        self._flops_by_size: dict[tuple[int, int], float] = {}
        name = torch.cuda.get_device_name(world.device) if world.device.type == "cuda" else ""
        one = peak_flops(name)
        self._peak = None if one is None else one * world.size
        self._begun: float | None = None
        self._reset()

    def _reset(self) -> None:
        self._sums = torch.zeros(2, len(CELLS), dtype=torch.float64, device=self._world.device)
        self._losses: list[Tensor] = []
        self._times: list[Tensor] = []
        self._flops, self._replaced, self._waited = 0.0, 0, 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The block waits for data."""
        begun = time.perf_counter()
        if self._begun is None:
            self._begun = begun
        yield
        self._waited += time.perf_counter() - begun

    def part(self, name: Part) -> AbstractContextManager[None]:
        """The block is this part of the step."""
        return self._clock.part(name)

    def samples(self, batch: Samples, times: Tensor, losses: Tensor) -> None:
        """A microbatch has passed. times: (B,) in [0, 1]. losses: (B,), without gradient."""
        self._sums += cell_sums(batch.tasks, times, losses)
        self._losses.append(losses)
        self._times.append(times)
        size = (batch.clean.shape[2], batch.clean.shape[3])
        if size not in self._flops_by_size:
            self._flops_by_size[size] = self._passes * self._editor.forward_flops(*size)
        self._flops += len(batch.tasks) * self._flops_by_size[size]
        self._replaced += len(batch.replaced)

    def reduce(self) -> Measured:
        """The losses of the step over all processes, each of which must call it."""
        waits = [0.0] * self._world.size
        waits[self._world.rank] = self._waited
        others = torch.tensor([self._flops, float(self._replaced), *waits], dtype=torch.float64)
        own = torch.cat([self._sums.flatten(), others.to(self._sums.device)])
        sums = self._world.sum(own).tolist()
        cells, rest = sums[: 2 * len(CELLS)], sums[2 * len(CELLS) :]
        loss, by_time, by_task = cell_means(cells[: len(CELLS)], cells[len(CELLS) :])
        samples = round(sum(cells[len(CELLS) :]) / 2)  # each is in one bin and in one task
        losses, times = torch.cat(self._losses), torch.cat(self._times)
        self._reset()
        self._flops, self._waited, self._samples = rest[0], max(rest[2:]), samples
        return Measured(loss, by_time, by_task, samples, round(rest[1]), losses, times)

    def timings(self) -> Timings:
        """Where the time since the last step went; after `reduce`."""
        now = time.perf_counter()
        assert self._begun is not None, "a step begins with waiting()"
        timings = Timings(
            steps=1,
            seconds=now - self._begun,
            waited=self._waited,
            samples=self._samples,
            flops=self._flops,
            devices=self._world.size,
            memory=_memory(self._world.device),
            peak=self._peak,
            parts=self._clock.take(),
        )
        self._begun, self._flops, self._waited = now, 0.0, 0.0
        return timings

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The block (validation, a checkpoint) is not counted to any step. Between `timings` and `waiting`."""
        yield
        self._begun = None


def passes(editor: Editor) -> float:
    """Forward passes' worth of operations in a training step of a sample: one forward, one for the gradients of the
    activations, and one for those of the weights, of which frozen ones (the share of the blocks' weights) need none.

    3 when all are trained, as in PaLM's count (Chowdhery et al. 2022); about 2 with low-rank adaptation.
    """
    weights = [parameter for block in editor.blocks() for parameter in block.parameters()]
    trained = sum(parameter.numel() for parameter in weights if parameter.requires_grad)
    return 2.0 + trained / sum(parameter.numel() for parameter in weights)


def _memory(device: torch.device) -> Memory:
    """The peaks since the last call."""
    if device.type != "cuda":
        return Memory(psutil.Process().memory_info().rss, None)
    memory = Memory(torch.cuda.max_memory_allocated(device), torch.cuda.max_memory_reserved(device))
    torch.cuda.reset_peak_memory_stats(device)
    return memory
