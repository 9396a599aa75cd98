"""An editor of a configuration."""

from __future__ import annotations

import torch

from schemas.recipe.training import KontextSection, QwenSection, Step1XSection, TinySection
from training.editors.base import Editor, EditorConfig


def build_editor(config: EditorConfig, seed: int) -> Editor:
    """The editor of a configuration. A small one has initial weights that depend on `seed` alone (torch's own generator
    is not moved); the weights of the others are on the meta device, to be filled from `Editor.base_weights`.

    Raises CheckpointError or RecipeError where the files that a pretrained editor's section names cannot be used.
    """
    match config.editor:
        case Step1XSection():
            from training.editors.step1x.editor import Step1XEditor

            return Step1XEditor(config)
        case KontextSection():
            from training.editors.kontext.editor import KontextEditor

            return KontextEditor(config)
        case QwenSection():
            from training.editors.qwen.editor import QwenEditor

            return QwenEditor(config)
        case TinySection(latents=latents):
            from training.editors.tiny import LatentEditor, PixelEditor

            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                return LatentEditor(config) if latents else PixelEditor(config)
