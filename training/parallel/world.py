"""One process or many: who takes part in a run, and on which device."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from schemas.errors import RecipeError
from schemas.recipe.training import ParallelSection

#: How long a process waits for the others before the run ends: the first one may fetch and validate meanwhile.
TIMEOUT = timedelta(minutes=30)
#: Which library carries tensors of which device: checkpoints gather on the CPU while the GPUs compute.
BACKENDS = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}


@dataclass(frozen=True)
class World:
    """This process among all.

    device: where its weights lie. mesh: the processes that shard (`shard`), in copies (`replicate`) with hybrid shard;
    None for a single process on a CPU in single precision, which shards nothing.
    """

    rank: int
    size: int
    device: torch.device
    mesh: DeviceMesh | None

    @property
    def leads(self) -> bool:
        """Whether this process writes the logs."""
        return self.rank == 0

    def wait(self) -> None:
        """Returns when every process has called it; what the devices have queued goes on."""
        self.sum(torch.zeros(()))

    def sum(self, values: Tensor) -> Tensor:
        """The sum over the processes, element by element, as a new tensor; every process must call it."""
        total = values.detach().clone()
        if self.size > 1:
            dist.all_reduce(total)
        return total

    def mean(self, value: Tensor) -> float:
        """The mean of a scalar over the processes."""
        return float(self.sum(value)) / self.size


@contextmanager
def joined(section: ParallelSection) -> Iterator[World]:
    """The processes that torchrun or Ray Train started, a world of one otherwise; each on its own GPU where there are
    any. A process group that exists is used and left as it is.

    In bf16 what stays in fp32 may be multiplied in TF32 inside the context. An error leaves the group standing, since
    the others may be waiting in it: the launcher ends them all.

    Raises RecipeError when the processes cannot be laid out as the section wants, or have no GPU each.
    """
    size, there = int(os.environ.get("WORLD_SIZE", "1")), dist.is_initialized()
    device = _device(there)
    if size == 1 and not there and device.type == "cpu" and section.precision == "fp32":
        yield World(0, 1, device, None)
        return
    if not there:
        _begin(device, size)
    before, tidy = torch.get_float32_matmul_precision(), size == 1
    try:
        if device.type == "cuda" and section.precision == "bf16":
            torch.set_float32_matmul_precision("high")
        yield World(dist.get_rank(), dist.get_world_size(), device, _mesh(section, device))
        tidy = True
    finally:
        torch.set_float32_matmul_precision(before)
        if tidy and not there:
            dist.destroy_process_group()


def _begin(device: torch.device, size: int) -> None:
    backend, bound = BACKENDS[device.type], device if device.type == "cuda" else None
    if size > 1:
        dist.init_process_group(backend, timeout=TIMEOUT, device_id=bound)
    else:  # no port is opened
        dist.init_process_group(backend, timeout=TIMEOUT, device_id=bound, store=dist.HashStore(), rank=0, world_size=1)


def _device(there: bool) -> torch.device:
    """The GPU that the launcher chose or that the local rank counts to."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    local, count = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if there:
        local = torch.cuda.current_device()
    elif local >= count:
        raise RecipeError(
            f"processes on this machine: at least {local + 1}, but it has {count} GPUs; start one process a GPU"
        )
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


def _mesh(section: ParallelSection, device: torch.device) -> DeviceMesh:
    size = dist.get_world_size()
    each = size if section.shard == "full" else section.shard_size or int(os.environ.get("LOCAL_WORLD_SIZE", size))
    if size % each:
        raise RecipeError(
            f"training.parallel.shard_size: {each} does not divide the {size} processes; set a divisor or shard: full"
        )
    if each == size:
        return init_device_mesh(device.type, (size,), mesh_dim_names=("shard",))
    return init_device_mesh(device.type, (size // each, each), mesh_dim_names=("replicate", "shard"))
