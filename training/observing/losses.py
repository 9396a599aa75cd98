"""The losses of a step by noise level and by task, over all processes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from schemas.tasks import TASKS

#: Bins of equal width that [0, 1] of σ (or t) is parted into.
BINS = 10
#: Names of the bins, by their ends.
BIN_NAMES = tuple(f"{number / BINS:.1f}-{(number + 1) / BINS:.1f}" for number in range(BINS))
#: Cells of the sums: the bins, then the tasks.
CELLS = (*BIN_NAMES, *TASKS)

_TASK_NUMBERS = {task: number for number, task in enumerate(TASKS)}


@dataclass(frozen=True)
class Measured:
    """Losses of one optimizer step over the whole batch of all processes; equal in equal runs.

    loss: the mean. loss_by_time: mean in each bin of σ (or t) that has samples, by the bin's ends; loss_by_task alike.
    samples: how many there were. replaced: how many of them stood in for samples that could not be read.
    own_losses, own_times: of this process's samples in the order in which they passed, float (B,) on its device.
    """

    loss: float
    loss_by_time: dict[str, float]
    loss_by_task: dict[str, float]
    samples: int
    replaced: int
    own_losses: Tensor
    own_times: Tensor


def cell_sums(tasks: list[str], times: Tensor, losses: Tensor) -> Tensor:
    """Sums of the losses and numbers of samples in each cell: float64 (2, cells) on the losses' device.

    times: (B,) in [0, 1]; 1 counts to the last bin. Nothing is read back from the device, and sums are in a fixed
    order. A loss that is not finite stays in the cells of its own sample.
    """
    device = losses.device
    bins = (times.double() * BINS).long().clamp(0, BINS - 1)
    numbers = torch.tensor([_TASK_NUMBERS[task] for task in tasks]).to(device, non_blocking=True)
    of_bin = bins[:, None] == torch.arange(BINS, device=device)
    of_task = numbers[:, None] == torch.arange(len(TASKS), device=device)
    cells = torch.cat([of_bin, of_task], dim=1)
    parts = torch.where(cells, losses.double()[:, None], torch.zeros((), dtype=torch.float64, device=device))
    return torch.stack([parts.sum(0), cells.double().sum(0)])


def cell_means(sums: list[float], counts: list[float]) -> tuple[float, dict[str, float], dict[str, float]]:
    """Mean over all samples, by time and by task; cells without samples are left out."""
    means = {name: total / count for name, total, count in zip(CELLS, sums, counts, strict=True) if count}
    by_time = {name: means[name] for name in BIN_NAMES if name in means}
    by_task = {name: means[name] for name in TASKS if name in means}
    return sum(sums[:BINS]) / max(sum(counts[:BINS]), 1.0), by_time, by_task
