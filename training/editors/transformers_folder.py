"""One model or tokenizer of transformers from a local folder, read strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from schemas.errors import CheckpointError


def load_language_model(kind: Any, folder: Path, device: torch.device) -> Any:
    """The model of transformers' class `kind` that `save_pretrained` wrote to `folder`, in the files' own precision, on
    `device`, in evaluation mode and without gradients. Only safetensors files are read, each tensor straight to the
    device.

    Where `from_pretrained` warns and draws fresh weights, this raises CheckpointError and lists the names: tensors
    missing, unexpected or of other shapes. It does so too for missing and damaged files.
    """
    try:
        model, told = kind.from_pretrained(
            folder,
            dtype="auto",
            device_map={"": device},
            use_safetensors=True,
            local_files_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(
            f"weights {folder}: no usable {kind.__name__} ({error}); copy the folder again"
        ) from error
    wrong = [f"{name}: missing" for name in sorted(told["missing_keys"])]
    wrong += [f"{name}: unexpected" for name in sorted(told["unexpected_keys"])]
    wrong += [
        f"{name}: {tuple(there)} there, {tuple(here)} in the model"
        for name, there, here in sorted(told["mismatched_keys"])
    ]
    if wrong:
        raise CheckpointError(f"weights {folder}: not those of its configuration:\n  " + "\n  ".join(wrong))
    return model.requires_grad_(False).eval()


def load_tokenizer(kind: Any, folder: Path) -> Any:
    """The tokenizer of transformers' class `kind` in `folder`. Raises CheckpointError when it cannot be used."""
    try:
        return kind.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"tokenizer {folder}: no usable {kind.__name__} ({error}); copy the folder again"
        ) from error
