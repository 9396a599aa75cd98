"""A finished editor as a folder: `config.json` and `editor.safetensors`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from schemas.errors import CheckpointError
from training.editors.base import Editor, EditorConfig
from training.editors.build import build_editor

_CONFIG, _WEIGHTS = "config.json", "editor.safetensors"


def export_editor(folder: Path, config: EditorConfig, weights: Mapping[str, Tensor]) -> None:
    """Writes the folder, or writes it anew: it is whole or as it was at any moment but the last rename."""
    making = folder.with_name(folder.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    (making / _CONFIG).write_text(config.model_dump_json(indent=1), encoding="utf-8")
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, making / _WEIGHTS)
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)


def load_editor(folder: Path) -> Editor:
    """The editor of an exported folder, in evaluation mode.

    Raises CheckpointError when a file is missing or damaged and, listing the names, when the weights are of another
    architecture.
    """
    try:
        config = EditorConfig.model_validate_json((folder / _CONFIG).read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(
            f"editor {folder}: no readable {_CONFIG}; name the folder of an exported editor"
        ) from error
    except ValidationError as error:
        raise CheckpointError(f"editor {folder}: {_CONFIG} is not of this version: {error}") from error
    editor = build_editor(config, seed=0)
    try:
        with safe_open(folder / _WEIGHTS, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"editor {folder}: {_WEIGHTS} cannot be read ({error}); export it again") from error
    own = editor.state_dict()
    wrong = [f"{name}: missing" for name in own.keys() - weights.keys()]
    wrong += [f"{name}: not of this editor" for name in weights.keys() - own.keys()]
    wrong += [
        f"{name}: {tuple(weights[name].shape)} there, {tuple(own[name].shape)} in the configuration"
        for name in own.keys() & weights.keys()
        if weights[name].shape != own[name].shape
    ]
    if wrong:
        raise CheckpointError(
            f"editor {folder}: weights of another architecture:\n  " + "\n  ".join(sorted(wrong)[:20])
        )
    editor.load_state_dict(weights)
    editor.requires_grad_(False)
    return editor.eval()
