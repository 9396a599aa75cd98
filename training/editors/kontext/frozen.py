"""FLUX.1 Kontext's frozen encoders, each loaded at its first use."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer, T5EncoderModel, T5TokenizerFast

from schemas.errors import CheckpointError
from training.editors.flux_vae import load_flux_vae
from training.editors.pipeline_folder import PipelineFolder
from training.editors.transformers_folder import load_language_model, load_tokenizer
from training.families.prompts import KEPT

VAE, CLIP, T5 = "vae", "text_encoder", "text_encoder_2"
_CLIP_WORDS, _T5_WORDS = "tokenizer", "tokenizer_2"


class KontextEncoders:
    """FLUX's autoencoder in single precision, CLIP's text model and T5's encoder in the precision of their files.

    loaded: those that were used so far, by the names of their folders.
    """

    def __init__(self, pipeline: PipelineFolder) -> None:
        self._pipeline = pipeline
        self._tokenizers: dict[str, CLIPTokenizer | T5TokenizerFast] = {}
        self.loaded: dict[str, nn.Module] = {}

    @property
    def digest(self) -> str:
        """16 hex digits that tell these encoders and vocabularies from others."""
        return self._pipeline.digest(VAE, CLIP, T5, _CLIP_WORDS, _T5_WORDS)

    def autoencoder(self, device: torch.device, channels: int, cell: int) -> AutoencoderKL:
        """Raises CheckpointError unless its latents have so many channels and cells of `cell`×`cell` pixels."""
        if VAE not in self.loaded:
            model = load_flux_vae(self._pipeline.part(VAE))
            made = model.config.latent_channels, 2 ** (len(model.config.block_out_channels) - 1)
            if made != (channels, cell):
                raise CheckpointError(
                    f"training.editor.model: its {VAE} makes {made[0]} channels of {made[1]}-pixel cells, its "
                    f"transformer takes {channels} of {cell}; name a pipeline whose parts belong together"
                )
            self.loaded[VAE] = model.requires_grad_(False).to(device)
        return self.loaded[VAE]

    @torch.no_grad()
    def states(self, prompt: str, device: torch.device) -> Tensor:
        """T5's last hidden states (512, width): padding is encoded and attended to as in training, what is longer is
        cut."""
        length = KEPT["kontext"].length
        if T5 not in self.loaded:
            self._tokenizers[T5] = load_tokenizer(T5TokenizerFast, self._pipeline.part(_T5_WORDS))
            self.loaded[T5] = load_language_model(T5EncoderModel, self._pipeline.part(T5), device)
        return self.loaded[T5](self._ids(T5, prompt, length).to(device)).last_hidden_state[0]

    @torch.no_grad()
    def pooled(self, prompt: str, device: torch.device) -> Tensor:
        """CLIP's pooled state (width,) of the prompt's first 77 tokens, marks of its ends included."""
        if CLIP not in self.loaded:
            self._tokenizers[CLIP] = load_tokenizer(CLIPTokenizer, self._pipeline.part(_CLIP_WORDS))
            self.loaded[CLIP] = load_language_model(CLIPTextModel, self._pipeline.part(CLIP), device)
        length = self._tokenizers[CLIP].model_max_length
        return self.loaded[CLIP](self._ids(CLIP, prompt, length).to(device)).pooler_output[0]

    def _ids(self, encoder: str, prompt: str, length: int | None) -> Tensor:
        """Token ids (1, length), padded and cut."""
        words = self._tokenizers[encoder]
        return words(prompt, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
