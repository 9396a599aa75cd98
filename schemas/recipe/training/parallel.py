"""How a step is spread over devices and memory."""

from typing import Literal

from pydantic import Field

from schemas.recipe.section import Section


class ParallelSection(Section):
    """The defaults train on a CPU in single precision; see the recipes for GPUs.

    shard: `full` spreads weights, gradients and moments over all processes; `hybrid` over the processes of one node
    (or shard_size of them), with copies on the others.
    precision: of matrix products and activations; `bf16` keeps weights, moments, sums and reductions in fp32.
    recompute: activations recomputed in the backward pass: none; `selective`, all but matrix products and attention;
    `full`, everything inside a block.
    compile: compile each block (torch.compile).
    offload: weights, gradients and moments stay in the host's memory and visit the GPU block by block.
    """

    shard: Literal["full", "hybrid"] = "full"
    shard_size: int = Field(default=0, ge=0)
    precision: Literal["fp32", "bf16"] = "fp32"
    recompute: Literal["none", "selective", "full"] = "none"
    compile: bool = False
    offload: bool = False
