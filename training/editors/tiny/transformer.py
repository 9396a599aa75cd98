"""The transformer of the small editors: Flux's, with their sizes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from safetensors.torch import save_file
from torch import Tensor

from schemas.recipe.training import ObjectiveSection, TinySection
from training.families.timesteps import TIMESTEPS, TimestepRule

#: Widths of the rotary position axes (image, row, column) for each 16 of a head's width, as 16/56/56 of 128.
ROPE_SIXTEENTHS = (2, 7, 7)
#: The file of an exported small editor.
WEIGHTS = "editor.safetensors"


def small_transformer(section: TinySection, channels: int) -> FluxTransformer2DModel:
    """Flux's transformer (diffusers) on tokens of `channels` numbers."""
    width = section.heads * section.head_dim
    return FluxTransformer2DModel(
        patch_size=1,
        in_channels=channels,
        num_layers=section.double_blocks,
        num_single_layers=section.single_blocks,
        attention_head_dim=section.head_dim,
        num_attention_heads=section.heads,
        joint_attention_dim=width,
        pooled_projection_dim=width,
        axes_dims_rope=tuple(share * section.head_dim // 16 for share in ROPE_SIXTEENTHS),
    )


def small_timesteps(objective: ObjectiveSection) -> TimestepRule:
    """Sampling walks the shift that training drew with; Step1X-Edit's where the recipe names none."""
    shift = objective.shift if objective.shift is not None else TIMESTEPS["step1x"].training
    return TimestepRule(training=shift, sampling=shift)


def position_ids(images: int, rows: int, columns: int, device: torch.device) -> Tensor:
    """(image, row, column) of each token, float32 (images·rows·columns, 3)."""
    axes = torch.arange(images), torch.arange(rows), torch.arange(columns)
    return torch.cartesian_prod(*axes).reshape(-1, 3).float().to(device)


def save_small(folder: Path, weights: Mapping[str, Tensor]) -> None:
    """Writes the weights of a small editor as one safetensors file."""
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, folder / WEIGHTS)
