"""One process or many: torchrun's environment, FSDP2."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor

from training.editors.base import Editor


@dataclass(frozen=True)
class World:
    """This process among all. mesh: None for a single process."""

    rank: int
    size: int
    mesh: DeviceMesh | None

    @property
    def leads(self) -> bool:
        """Whether this process writes the logs."""
        return self.rank == 0

    def wait(self) -> None:
        """Returns when every process has called it."""
        if self.mesh is not None:
            dist.barrier()

    def mean(self, value: Tensor) -> float:
        """The mean of a scalar over the processes."""
        if self.mesh is None:
            return float(value.detach())
        total = value.detach().clone()
        dist.all_reduce(total)
        return float(total) / self.size


@contextmanager
def joined() -> Iterator[World]:
    """The processes that torchrun started, over gloo; a world of one when it did not start this process."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield World(0, 1, None)
        return
    dist.init_process_group("gloo")
    try:
        size = dist.get_world_size()
        yield World(dist.get_rank(), size, init_device_mesh("cpu", (size,)))
    finally:
        dist.destroy_process_group()


def shard(editor: Editor, world: World) -> None:
    """Shards the weights over the processes, block by block (FSDP2), in place."""
    if world.mesh is None:
        return
    for block in editor.blocks():
        fully_shard(block, mesh=world.mesh)
    fully_shard(editor, mesh=world.mesh)


def reshard(editor: nn.Module) -> None:
    """Gives back the whole weights that a forward without a backward left in place."""
    for module in editor.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def local(tensor: Tensor) -> Tensor:
    """The part of `tensor` that this process holds, sharing its memory."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """The tensor gathered from all processes, which must all call it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def gradient_norm(parameters: list[Tensor], limit: float) -> float:
    """Scales the gradients to a global norm of at most `limit`; the norm before."""
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit, foreach=True)
    return float(whole(norm))
