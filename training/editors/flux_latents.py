"""FLUX's autoencoder, frozen, as the editors see it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.editors.base import Posterior
from training.editors.file_digest import sampled_digest
from training.editors.flux_vae import load_flux_vae

#: Channels of the latents, and pixels along the side of a latent cell.
CHANNELS, CELL = 16, 8


class FluxLatents:
    """Loads at first use and computes in fp32, whatever the transformer's precision: in half precision its decoder
    overflows.

    find: gives the path as `load_flux_vae` takes it, asked at first use. loaded: the model, once it is in memory.
    """

    def __init__(self, find: Callable[[], Path]) -> None:
        self._find = find
        self.loaded: Any = None

    @cached_property
    def _path(self) -> Path:
        return self._find()

    @cached_property
    def digest(self) -> str:
        """Of its files (see `sampled_digest`)."""
        files = self._path.glob("*.safetensors") if self._path.is_dir() else [self._path]
        return sampled_digest(files)

    def on(self, device: torch.device) -> Any:
        """The model on `device`. Raises CheckpointError as `load_flux_vae` does."""
        if self.loaded is None:
            self.loaded = load_flux_vae(self._path).requires_grad_(False)
        return self.loaded.to(device)

    @torch.no_grad()
    def encode(self, pixels: Tensor, device: torch.device) -> Posterior:
        """(z − shift) · scale for the distribution of z, fp32 (B, C, H/8, W/8), of pixels (B, 3, H, W) in [0, 1]."""
        model = self.on(device)
        shift, scale = model.config.shift_factor, model.config.scaling_factor
        with torch.autocast(device.type, enabled=False):
            found = model.encode(pixels.to(device, torch.float32) * 2.0 - 1.0).latent_dist
        return Posterior((found.mean - shift) * scale, found.std * scale)

    @torch.no_grad()
    def decode(self, latents: Tensor, device: torch.device) -> Tensor:
        """Pixels (B, 3, H, W), fp32, not clamped."""
        model = self.on(device)
        z = latents.to(device, torch.float32) / model.config.scaling_factor + model.config.shift_factor
        with torch.autocast(device.type, enabled=False):
            return (model.decode(z).sample + 1.0) / 2.0
