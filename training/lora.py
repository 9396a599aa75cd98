"""Low-rank adaptation through peft: a few trained weights beside frozen ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from degradations.rng import generator
from schemas.errors import RecipeError
from schemas.recipe.training import LoraSection
from training.editors.base import Editor, Rows
from training.editors.weight_files import WeightFiles

#: The file of an exported adapter, in the folder layout that diffusers' `load_lora_weights` reads.
ADAPTER = "pytorch_lora_weights.safetensors"

_NAME = "default"
_BASE = ".base_layer"
_PREFIX = "transformer."


def adapt(editor: Editor, section: LoraSection) -> None:
    """Adds adapters of a recipe's `training.lora` to the editor, in place, and freezes everything else.

    Raises RecipeError when no layer has one of the section's names.
    """
    from peft import LoraConfig, inject_adapter_in_model

    config = LoraConfig(r=section.rank, lora_alpha=section.alpha, target_modules=list(section.layers))
    try:
        inject_adapter_in_model(config, editor.adapted(), _NAME)
    except ValueError as error:
        raise RecipeError(f"training.lora.layers: {', '.join(section.layers)}; {error}") from error
    for name, parameter in editor.named_parameters():
        parameter.requires_grad_(is_adapter(name))


def is_adapter(name: str) -> bool:
    """Whether a parameter of an adapted editor belongs to an adapter."""
    return f".{_NAME}." in name and ".lora_" in name


def frozen_in_blocks(editor: Editor) -> list[nn.Parameter]:
    """The weights of the blocks that the adapters stand beside."""
    return [each for block in editor.blocks() for name, each in block.named_parameters() if not is_adapter(f".{name}")]


def start_rows(editor: Editor, rows: Mapping[str, Rows] | None, seed: int) -> dict[str, Rows]:
    """Readers for an adapted editor's parameters: those of the base by their names now, and the adapters' beginning,
    A uniform within ±1/√(inputs) as peft draws it, keyed by seed and name, B zero.
    """
    return _base(editor, rows) | {
        name: partial(_beginning, seed, name, tuple(parameter.shape))
        for name, parameter in editor.named_parameters()
        if is_adapter(name)
    }


def adapter_rows(file: Path, editor: Editor, rows: Mapping[str, Rows] | None) -> dict[str, Rows]:
    """Readers for an adapted editor's parameters, the adapters' from an exported file.

    Raises CheckpointError, listing the names, when the file holds adapters of other layers or sizes.
    """
    files = WeightFiles(file)
    names = {_exported(name, editor): name for name, _ in editor.named_parameters() if is_adapter(name)}
    shapes = {name: tuple(parameter.shape) for name, parameter in editor.named_parameters()}
    files.check({exported: shapes[name] for exported, name in names.items()})
    return _base(editor, rows) | {name: partial(files.rows, exported) for exported, name in names.items()}


def save_adapter(folder: Path, editor: Editor, section: LoraSection, weights: Mapping[str, Tensor]) -> None:
    """Writes the adapters, one tensor for each trained parameter by name, as diffusers' `load_lora_weights` reads
    them, with rank and alpha in the file.
    """
    from diffusers.loaders import FluxLoraLoaderMixin

    layers = {_exported(name, editor).removeprefix(_PREFIX): tensor.contiguous() for name, tensor in weights.items()}
    metadata = {"r": section.rank, "lora_alpha": section.alpha, "target_modules": list(section.layers)}
    FluxLoraLoaderMixin.save_lora_weights(
        folder, transformer_lora_layers=layers, transformer_lora_adapter_metadata=metadata
    )


def _base(editor: Editor, rows: Mapping[str, Rows] | None) -> dict[str, Rows]:
    if rows is None:
        return {}
    return {name: rows[name.replace(_BASE, "")] for name, _ in editor.named_parameters() if not is_adapter(name)}


def _exported(name: str, editor: Editor) -> str:
    inside = next(prefix for prefix, module in editor.named_modules() if module is editor.adapted())
    return _PREFIX + name.removeprefix(f"{inside}.").replace(f".{_NAME}.", ".")


def _beginning(seed: int, name: str, shape: tuple[int, ...], start: int, stop: int) -> Tensor:
    if ".lora_B." in name:
        return torch.zeros(stop - start, shape[1])
    bound = 1.0 / math.sqrt(shape[1])
    drawn = generator(seed, "lora", name).uniform(-bound, bound, shape).astype(np.float32)
    return torch.from_numpy(drawn[start:stop])
