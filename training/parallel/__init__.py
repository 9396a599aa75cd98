"""How a training step is spread over processes, devices and memory."""

from training.parallel.gradients import accumulating, fused_options, gradient_norm
from training.parallel.parallelize import parallelize
from training.parallel.precision import keep_in_bf16, use_in_bf16
from training.parallel.sharding import local, reshard, whole
from training.parallel.world import World, joined

__all__ = [
    "World",
    "accumulating",
    "fused_options",
    "gradient_norm",
    "joined",
    "keep_in_bf16",
    "local",
    "parallelize",
    "reshard",
    "use_in_bf16",
    "whole",
]
