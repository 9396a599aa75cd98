"""Blocks that compute in bf16 while what lies outside of them computes in fp32.

The work is in the blocks; outside of them σ becomes an embedding and the last layer a velocity, which bf16's 8 bits
would coarsen. Tables of rotary positions, which blocks take in a tuple, stay in fp32.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

LOW = torch.bfloat16


def take_bf16(block: nn.Module) -> None:
    """Converts the floating point tensors that the block is called with, not those inside of tuples."""
    block.register_forward_pre_hook(_lowered, with_kwargs=True)


def use_in_bf16(blocks: Sequence[nn.Module]) -> None:
    """Makes blocks ready for use without training, in place: weights and computation in bf16, the result of the last
    one in fp32. Weights may still be on the meta device.
    """
    for block in blocks:
        block.to(LOW)
        take_bf16(block)
    blocks[-1].register_forward_hook(lambda module, args, output: _each(output, torch.float32))


def keep_in_bf16(frozen: Iterable[nn.Parameter]) -> None:
    """Stores weights that no optimizer will change in bf16, in place."""
    for parameter in frozen:
        parameter.data = parameter.data.to(LOW)


def _lowered(block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return tuple(_to(value, LOW) for value in args), {name: _to(value, LOW) for name, value in kwargs.items()}


def _each(output: Any, dtype: torch.dtype) -> Any:
    return tuple(_to(value, dtype) for value in output) if isinstance(output, tuple) else _to(output, dtype)


def _to(value: Any, dtype: torch.dtype) -> Any:
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value
