"""A finished editor as a folder: `config.json` and its weights."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from schemas.errors import CheckpointError
from schemas.recipe.training import TinySection, TrainingSection
from training.editors.base import Editor, EditorConfig, Rows
from training.editors.build import build_editor
from training.editors.exported import CONFIG, read_exported
from training.editors.loading import load_weights
from training.editors.tiny.transformer import WEIGHTS
from training.editors.weight_files import WeightFiles
from training.lora import ADAPTER, adapt, adapter_rows, save_adapter
from training.parallel import use_in_bf16


def export_editor(folder: Path, editor: Editor, config: EditorConfig, weights: Mapping[str, Tensor]) -> None:
    """Writes the folder, or writes it anew: it is whole or as it was at any moment but the last rename.

    weights: one for each parameter that training changed, by name; of an editor with low-rank adaptation, the adapters.
    """
    making = folder.with_name(folder.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    (making / CONFIG).write_text(config.model_dump_json(indent=1), encoding="utf-8")
    if config.lora.rank:
        save_adapter(making, editor, config.lora, weights)
    else:
        editor.save_weights(making, weights)
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)


def load_editor(folder: Path, device: str | torch.device = "cpu") -> Editor:
    """The editor of an exported folder, in evaluation mode.

    Raises CheckpointError when a file is missing or damaged and, listing the names, when the weights are of another
    architecture.
    """
    return _opened(read_exported(folder), device, folder)


def base_editor(training: TrainingSection, device: str | torch.device = "cpu") -> Editor:
    """The pretrained editor that a recipe starts from, in evaluation mode.

    Raises CheckpointError where the recipe's editor is the small one, which starts from chance.
    """
    if isinstance(training.editor, TinySection):
        raise CheckpointError("training.editor.kind: 'tiny' has no pretrained weights; name a trained editor's folder")
    config = EditorConfig.of(training)
    return _opened(config.model_copy(update={"lora": config.lora.model_copy(update={"rank": 0})}), device, None)


def _opened(config: EditorConfig, device: str | torch.device, folder: Path | None) -> Editor:
    editor = build_editor(config, seed=0)
    rows = editor.base_weights()
    if config.lora.rank and folder is not None:
        adapt(editor, config.lora)
        rows = adapter_rows(folder / ADAPTER, editor, rows)
    elif rows is None and folder is not None:
        rows = _small_rows(editor, folder)
    if torch.device(device).type == "cuda" and not isinstance(config.editor, TinySection):
        use_in_bf16(editor.blocks())
    load_weights(editor, torch.device(device), rows or {})
    editor.requires_grad_(False)
    return editor.eval()


def _small_rows(editor: Editor, folder: Path) -> Mapping[str, Rows]:
    files = WeightFiles(folder / WEIGHTS)
    files.check({name: tuple(parameter.shape) for name, parameter in editor.named_parameters()})
    return {name: partial(files.rows, name) for name in files.shapes}
