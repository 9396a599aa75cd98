"""Blocks compiled by torch.compile."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch._dynamo
from torch import nn

#: Versions of a block's code: with and without gradients, frozen or not, of a fixed and of any size.
_VERSIONS = 64


def compile_blocks(blocks: Sequence[nn.Module], any_size: bool) -> None:
    """Compiles what each block computes, in place; equal blocks share the code, and sharding stays outside of it.

    any_size: expect another number of tokens each time (buckets). Otherwise each size is compiled as it is: the
    batch of validation differs from that of training, which must not turn training's into one of any size.
    """
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, _VERSIONS)
    for block in blocks:
        block.forward = torch.compile(block.forward, dynamic=any_size)
