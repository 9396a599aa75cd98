"""Shard reader, mixing, flow objective, editors, checkpoints, trainer. Floor 4."""
