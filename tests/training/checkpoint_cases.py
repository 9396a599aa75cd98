"""What the processes of test_checkpoints.py do: a model of uneven shards, saved, loaded and killed."""

from __future__ import annotations

import resource
from pathlib import Path

import torch
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import Shard, distribute_tensor

from schemas.errors import CheckpointError
from schemas.recipe.training import ParallelSection
from training.checkpoints import Checkpoints
from training.ema import MovingAverage
from training.parallel import joined, whole


class Uneven(nn.Module):
    """Rows that two, three and four processes cannot share evenly, one row for all of them, and a frozen layer."""

    def __init__(self):
        super().__init__()
        drawn = torch.Generator().manual_seed(0)
        self.frozen = nn.Parameter(torch.randn(6, 2, generator=drawn), requires_grad=False)
        self.rows = nn.Parameter(torch.randn(5, 3, generator=drawn))
        self.one = nn.Parameter(torch.randn(1, 4, generator=drawn))
        self.bias = nn.Parameter(torch.randn(7, generator=drawn))

    def forward(self):
        return sum((parameter**2).sum() for parameter in self.parameters())


def state(world, steps):
    """Model, average and AdamW after some steps, by their names in a checkpoint; AdamW's `step` has no axes."""
    model = Uneven()
    if world.mesh is not None:
        fully_shard(model, mesh=world.mesh)
    average = MovingAverage(model, 0.9, [name for name, _ in model.named_parameters()])
    adam = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=0.1)
    for step in range(steps):
        model().backward()
        adam.step()
        adam.zero_grad()
        average.update(step)
    named = {f"average.{name}": tensor for name, tensor in average.weights.items()}
    for name, parameter in model.named_parameters():
        named[f"model.{name}"] = parameter.detach()
        for entry, tensor in adam.state.get(parameter, {}).items():
            named[f"optimizer.{name}.{entry}"] = tensor
    return named


def gathered(tensors):
    return {name: whole(tensor).clone().numpy() for name, tensor in tensors.items()}


def save(folder: Path, section: ParallelSection):
    """Saves after three steps, and goes on training while that is written; what was saved."""
    with joined(section) as world:
        checkpoints = Checkpoints(folder, world, background=True)
        tensors = state(world, steps=3)
        saved = gathered(tensors)
        checkpoints.save(3, tensors, {"stage": "transfer"})
        checkpoints.copied()
        for tensor in tensors.values():
            tensor.add_(1.0)
        checkpoints.finish()
        return saved


def load(folders: list[Path]):
    """What other processes make of the checkpoints of `save`."""
    with joined(ParallelSection()) as world:
        loaded = []
        for folder in folders:
            tensors = state(world, steps=1)
            Checkpoints(folder, world, background=False).load(3, tensors)
            loaded.append(gathered(tensors))
        return loaded


def fail_on_one(folder: Path):
    """The errors on every process when the last one has no room left, and the checkpoints that are there after it."""
    with joined(ParallelSection()) as world:
        checkpoints = Checkpoints(folder, world, background=True)
        tensors = {"rows": distribute_tensor(torch.zeros(world.size, 1 << 18), world.mesh, [Shard(0)])}
        checkpoints.save(1, tensors, {})
        checkpoints.finish()
        if world.rank == world.size - 1:
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
        checkpoints.save(2, tensors, {})
        checkpoints.keep([2])  # must not remove the only one that is good
        try:
            checkpoints.save(3, tensors, {})
        except CheckpointError as error:
            world.wait()
            return str(error), sorted(path.name for path in folder.iterdir())
        return "no error", []


def filled(step: int) -> torch.Tensor:
    """What checkpoint `step` of `endless` holds."""
    return torch.arange(6 << 20).remainder_(1000).float().add_(step)


def endless(folder: Path):
    """Goes on from the newest checkpoint and saves every step, until it is killed."""
    with joined(ParallelSection()) as world:
        checkpoints = Checkpoints(folder, world, background=True)
        step, tensor = 0, filled(0)
        if saved := checkpoints.steps():
            step = saved[-1]
            checkpoints.load(step, {"tensor": tensor})
        while True:
            step += 1
            checkpoints.save(step, {"tensor": tensor.add_(1.0)}, {"step": step})
            checkpoints.keep(checkpoints.steps()[-2:])
            checkpoints.copied()
