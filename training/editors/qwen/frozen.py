"""The frozen encoders of Qwen-Image-Edit, loaded at first use."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from diffusers import AutoencoderKLQwenImage
from torch import Tensor, nn
from transformers import Qwen2VLProcessor

from schemas.errors import CheckpointError
from training.editors.base import Posterior, Request
from training.editors.diffusers_folder import load_part
from training.editors.pipeline_folder import PipelineFolder
from training.editors.qwen.pictures import AREA, PLUS, shown
from training.editors.qwen_vl import last_hidden_states, load_qwen_vl
from training.editors.transformers_folder import load_tokenizer
from training.families.prompts import KEPT, qwen_plus_prompt, qwen_prompt

#: Channels of the latents, and pixels along the side of a latent cell.
CHANNELS, CELL = 16, 8

_TEXT_ENCODER, _PROCESSOR, _VAE = "text_encoder", "processor", "vae"


class QwenEncoders:
    """Qwen2.5-VL in bf16 (on a CPU fp32) and Qwen-Image's autoencoder in fp32.

    loaded: those that were used so far, by the names of their folders.
    """

    def __init__(self, kind: str, pipeline: PipelineFolder) -> None:
        self._kind, self._pipeline = kind, pipeline
        self.loaded: dict[str, nn.Module] = {}

    @cached_property
    def digest(self) -> str:
        """16 hex digits that tell these encoders and their vocabulary from others."""
        return self._pipeline.digest(_TEXT_ENCODER, _PROCESSOR, _VAE)

    def read(self, request: Request, device: torch.device) -> Tensor:
        """The last hidden states (positions, width) of a request, less the template's dropped ones.

        An empty prompt is read as one space, as the published examples have their negative prompt. Without a picture
        the chat has no mark of one.
        """
        prompt, picture = request.prompt or " ", request.picture
        if picture is None:
            inputs = self._processor(text=[qwen_plus_prompt(prompt, 0)], return_tensors="pt")
        else:
            text = qwen_plus_prompt(prompt, 1) if self._kind == PLUS else qwen_prompt(prompt)
            inputs = self._processor(text=[text], images=[shown(picture, AREA[self._kind])], return_tensors="pt")
        states = last_hidden_states(self._text_encoder(device), inputs.to(device))
        return states[0, KEPT["qwen-image-edit"].drop :]

    @torch.no_grad()
    def encode(self, pixels: Tensor, device: torch.device) -> Posterior:
        """Latents (B, 16, H/8, W/8) of pixels in [0, 1], fp32, each channel brought to about mean 0 and deviation 1."""
        model = self._autoencoder(device)
        found = model.encode((pixels.to(device, torch.float32) * 2.0 - 1.0).unsqueeze(2)).latent_dist
        mean, deviation = _scale(model)
        return Posterior((found.mean.squeeze(2) - mean) / deviation, found.std.squeeze(2) / deviation)

    @torch.no_grad()
    def decode(self, latents: Tensor, device: torch.device) -> Tensor:
        """Pixels (B, 3, H, W); the autoencoder itself keeps them in [0, 1]."""
        model = self._autoencoder(device)
        mean, deviation = _scale(model)
        pixels = model.decode((latents.to(device, torch.float32) * deviation + mean).unsqueeze(2)).sample.squeeze(2)
        return (pixels + 1.0) / 2.0

    @cached_property
    def _processor(self) -> Any:
        return load_tokenizer(Qwen2VLProcessor, self._pipeline.part(_PROCESSOR))

    def _text_encoder(self, device: torch.device) -> Any:
        if _TEXT_ENCODER not in self.loaded:
            dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
            self.loaded[_TEXT_ENCODER] = load_qwen_vl(self._pipeline.part(_TEXT_ENCODER), dtype, device)
        return self.loaded[_TEXT_ENCODER]

    def _autoencoder(self, device: torch.device) -> Any:
        if _VAE not in self.loaded:
            model = load_part(AutoencoderKLQwenImage, self._pipeline.part(_VAE), torch.float32)
            if (model.z_dim, model.spatial_compression_ratio) != (CHANNELS, CELL):
                raise CheckpointError(
                    f"training.editor.model: its {_VAE} makes {model.z_dim} channels of "
                    f"{model.spatial_compression_ratio}-pixel cells, not {CHANNELS} of {CELL}; name Qwen-Image-Edit's "
                    "pipeline"
                )
            self.loaded[_VAE] = model.requires_grad_(False).to(device)
        return self.loaded[_VAE]


def _scale(model: Any) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel of the latents, (16, 1, 1)."""
    numbers = torch.tensor([model.config.latents_mean, model.config.latents_std], device=model.device)
    mean, deviation = numbers[:, :, None, None]
    return mean, deviation
