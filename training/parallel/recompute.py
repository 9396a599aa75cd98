"""Activations computed anew in the backward pass instead of kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, Literal

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts

_ATEN = torch.ops.aten
#: What `selective` keeps: matrix products and attention, whose kernels differ between devices.
_KEPT = [
    _ATEN.mm.default,
    _ATEN.addmm.default,
    _ATEN.bmm.default,
    _ATEN._scaled_dot_product_flash_attention.default,
    _ATEN._scaled_dot_product_efficient_attention.default,
    _ATEN._scaled_dot_product_cudnn_attention.default,
    _ATEN._scaled_dot_product_flash_attention_for_cpu.default,
]


def recompute_blocks(blocks: Sequence[nn.Module], mode: Literal["none", "selective", "full"]) -> None:
    """Has each block keep its inputs, with `selective` its matrix products and attention too, and compute the rest
    twice (Chen et al. 2016), in place. Names of weights stay as they are; gradients stay so to the bit.

    Blocks must draw no random numbers.
    """
    if mode == "none":
        return
    chosen: dict[str, Any] = (
        {"context_fn": partial(create_selective_checkpoint_contexts, _KEPT)} if mode == "selective" else {}
    )
    kept = partial(checkpoint, use_reentrant=False, preserve_rng_state=False, **chosen)
    for block in blocks:
        block.forward = _recomputed(block.forward, kept)


def _recomputed(forward: Callable[..., Any], kept: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(forward)
    def run(*args: Any, **kwargs: Any) -> Any:
        return kept(forward, *args, **kwargs)

    return run
