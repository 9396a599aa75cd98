"""A small flow transformer on FLUX.1's latents, which a tiny autoencoder makes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from torch import Tensor, nn

from degradations.cues.weights import hub_files
from schemas.errors import CheckpointError
from training.editors.base import Condition, EditorConfig, Posterior
from training.editors.diffusers_folder import load_part
from training.editors.file_digest import sampled_digest
from training.editors.tiny.small import SmallEditor
from training.editors.tiny.transformer import position_ids, small_transformer
from training.families.packing import PATCH, TOKEN, grid, pack, unpack

#: Channels of FLUX.1's latents, and pixels a side of a latent cell.
CHANNELS, CELL = 16, 8


class LatentEditor(SmallEditor):
    """Flux's transformer (diffusers) on 2×2 patches of latents, as the large editors have it, with the small editors'
    words and overview in place of a text encoder.

    Latents are those of an AutoencoderTiny for FLUX.1 (TAEF1, madebyollin 2024). The last layer starts at zero, so an
    untrained editor predicts velocity 0: for `noise_free`, what the autoencoder makes of the degraded picture.
    """

    multiple = TOKEN

    def __init__(self, config: EditorConfig) -> None:
        super().__init__(config)
        self.transformer = small_transformer(self.section, CHANNELS * PATCH**2)
        for parameter in self.transformer.proj_out.parameters():
            nn.init.zeros_(parameter)
        self._autoencoder = _Autoencoder(self.section.latents)

    @property
    def identity(self) -> str:
        return f"taef1@{self._autoencoder.digest}@{self.section.words}"

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> Posterior:
        model = self._autoencoder.on(self.device)
        latents = model.encode(pixels.to(self.device) * 2.0 - 1.0).latents
        return Posterior((latents - model.config.shift_factor) * model.config.scaling_factor, None)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        model = self._autoencoder.on(self.device)
        return (model.decode(latents / model.config.scaling_factor + model.config.shift_factor).sample + 1.0) / 2.0

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return CHANNELS, height // CELL, width // CELL

    def target_tokens(self, height: int, width: int) -> int:
        return grid(height, width).tokens

    def forward_flops(self, height: int, width: int) -> int:
        return self.transformer_flops(grid(height, width))

    def forward(self, state: Tensor, time: Tensor, reference: Tensor | None, condition: Condition) -> Tensor:
        images = [image for image in (state, reference) if image is not None]
        rows, columns = state.shape[2] // PATCH, state.shape[3] // PATCH
        context, pooled = self.context(condition)
        velocity = self.transformer(
            hidden_states=torch.cat([pack(image) for image in images], dim=1),
            encoder_hidden_states=context,
            pooled_projections=pooled,
            timestep=time,
            img_ids=position_ids(len(images), rows, columns, state.device),
            txt_ids=torch.zeros(context.shape[1], 3, device=state.device),
            return_dict=False,
        )[0]
        return unpack(velocity[:, : rows * columns], rows, columns)

    def frozen(self) -> Mapping[str, nn.Module]:
        return self._autoencoder.loaded


class _Autoencoder:
    """The frozen autoencoder, loaded at first use."""

    def __init__(self, place: str) -> None:
        self._place = place
        self.loaded: dict[str, nn.Module] = {}

    @cached_property
    def folder(self) -> Path:
        """Raises RecipeError when the hub does not give the files."""
        folder = Path(self._place).expanduser()
        return folder if folder.is_dir() else hub_files("training.editor.latents", self._place, _FILES)

    @cached_property
    def digest(self) -> str:
        return sampled_digest(self.folder.glob("*.safetensors"))

    def on(self, device: torch.device) -> AutoencoderTiny:
        if "autoencoder" not in self.loaded:
            model = load_part(AutoencoderTiny, self.folder, torch.float32)
            if model.config.latent_channels != CHANNELS:
                raise CheckpointError(
                    f"training.editor.latents: {self._place!r} has {model.config.latent_channels} latent channels, not "
                    f"FLUX.1's {CHANNELS}; name an AutoencoderTiny such as madebyollin/taef1"
                )
            self.loaded["autoencoder"] = model.requires_grad_(False).to(device)
        return self.loaded["autoencoder"]


_FILES = ("config.json", "*.safetensors")
