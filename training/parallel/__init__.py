"""How a training step is spread over processes, devices and memory."""

from training.parallel.gradients import accumulating, fused_options, gradient_norm
from training.parallel.parallelize import parallelize
from training.parallel.sharding import local, reshard, shard, whole
from training.parallel.world import World, joined

__all__ = [
    "World",
    "accumulating",
    "fused_options",
    "gradient_norm",
    "joined",
    "local",
    "parallelize",
    "reshard",
    "shard",
    "whole",
]
