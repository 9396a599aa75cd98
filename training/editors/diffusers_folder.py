"""One model of a diffusers folder, read strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from torch import nn

from schemas.errors import CheckpointError
from training.editors.weight_files import Shapes, WeightFiles

CONFIG = "config.json"


def load_part(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    """The model of diffusers' class `kind` that `save_pretrained` wrote to `folder`, as `dtype`, on the CPU.

    Where `from_pretrained` warns and draws fresh weights, this raises CheckpointError and lists the names: tensors
    missing, unexpected or of other shapes. It does so too for the configuration of another class and damaged files.
    """
    model = empty_part(kind, folder)
    files = WeightFiles(folder)
    files.check(shapes_of(model))
    model.load_state_dict({name: files.tensor(name).to(dtype) for name in files.shapes}, assign=True)
    return model.eval()


def empty_part(kind: Any, folder: Path) -> Any:
    """The same model with its parameters on the meta device; no weight is looked at. Raises CheckpointError for the
    configuration.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        found = config["_class_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"weights {folder}: no usable {CONFIG} ({error!r}); export the folder again") from error
    if found != kind.__name__:
        raise CheckpointError(f"weights {folder}: of the class {found}, not {kind.__name__}; name another folder")
    try:
        with init_empty_weights():
            return kind.from_config(config)
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"weights {folder}: {CONFIG} makes no {found} ({error}); export it again") from error


def shapes_of(model: nn.Module) -> Shapes:
    """The names and shapes of a model's state dict."""
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
