"""An editor with fresh weights."""

from __future__ import annotations

import torch

from training.editors.base import Editor, EditorConfig
from training.editors.tiny import TinyEditor


def build_editor(config: EditorConfig, seed: int) -> Editor:
    """The editor of a configuration. Its initial weights depend on `seed` alone; torch's own generator is not moved."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TinyEditor(config)
