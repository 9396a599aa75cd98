"""Checkpoints of a run: whole or not there, sharded by torch DCP into safetensors, resumable on any world size."""

from training.checkpoints.folder import Checkpoints
from training.checkpoints.reading import checkpoint_rows, load_tensors
from training.checkpoints.weights import SavedWeights

__all__ = ["Checkpoints", "SavedWeights", "checkpoint_rows", "load_tensors"]
