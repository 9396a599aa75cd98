"""Weights, gradients and moments spread over the processes (FSDP2), and the precision of the blocks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from schemas.recipe.training import ParallelSection
from training.parallel.precision import LOW, take_bf16
from training.parallel.world import World

if TYPE_CHECKING:
    from training.editors.base import Editor


def shard(editor: Editor, section: ParallelSection, world: World) -> None:
    """Shards the weights over the processes, block by block, then what lies outside of the blocks, in place.

    With bf16 the blocks compute in bf16 (see `precision`) from fp32 weights, and their gradients are summed in fp32.
    With offload all of it lies in the host's memory, and a block's weights come to the GPU when it computes.
    """
    if world.mesh is None:
        return
    # Flux's single-stream blocks give two views of one tensor, which nothing changes in place.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view")
    pinned = CPUOffloadPolicy(pin_memory=world.device.type == "cuda")
    place: dict[str, Any] = {"offload_policy": pinned} if section.offload else {}
    blocks, low = list(editor.blocks()), section.precision == "bf16"
    for block in blocks:
        last = block is blocks[-1]
        if low:
            take_bf16(block)
        policy = MixedPrecisionPolicy(
            param_dtype=LOW if low else torch.float32,
            reduce_dtype=torch.float32,
            output_dtype=torch.float32 if low and last else None,
            cast_forward_inputs=False,
        )
        fully_shard(block, mesh=world.mesh, mp_policy=policy, reshard_after_forward=not last, **place)
    fully_shard(editor, mesh=world.mesh, mp_policy=MixedPrecisionPolicy(torch.float32, torch.float32), **place)
    _prefetch(editor, blocks)


def _prefetch(editor: nn.Module, blocks: Sequence[nn.Module]) -> None:
    """Each block's weights travel while the block before it computes, in both passes."""
    for before, after in zip([editor, *blocks], blocks, strict=False):
        assert isinstance(before, FSDPModule) and isinstance(after, FSDPModule)
        before.set_modules_to_forward_prefetch([after])
        if before is not editor:
            after.set_modules_to_backward_prefetch([before])


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
