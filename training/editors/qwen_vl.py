"""Qwen2.5-VL (2025) as a frozen reader of prompts and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import Qwen2_5_VLForConditionalGeneration

from training.editors.transformers_folder import load_language_model

_CPU = torch.device("cpu")


def load_qwen_vl(folder: Path, dtype: torch.dtype, device: torch.device = _CPU) -> Any:
    """The vision tower and language model (transformers' Qwen2_5_VLModel) of a folder, as `dtype`, on `device`, frozen,
    without the head that predicts words. Raises CheckpointError as `load_language_model`.
    """
    return load_language_model(Qwen2_5_VLForConditionalGeneration, folder, device).model.to(dtype)


@torch.no_grad()
def last_hidden_states(model: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """The last hidden states (B, positions, width) of what the processor makes of text and pictures.

    `mm_token_type_ids` must be among the inputs where a picture is: without it transformers 5 numbers the picture's
    tokens as a line of text, not by row and column as in training.
    """
    return model(**inputs, use_cache=False).last_hidden_state
