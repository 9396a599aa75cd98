"""FLUX.1 Kontext's frozen encoders, each loaded at its first use."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer, T5EncoderModel, T5TokenizerFast

from schemas.errors import CheckpointError
from training.editors.flux_latents import CELL, FluxLatents
from training.editors.pipeline_folder import PipelineFolder
from training.editors.transformers_folder import load_language_model, load_tokenizer
from training.families.prompts import KEPT

VAE, CLIP, T5 = "vae", "text_encoder", "text_encoder_2"
#: Their vocabularies.
_WORDS = {CLIP: "tokenizer", T5: "tokenizer_2"}


class KontextEncoders:
    """FLUX's autoencoder in single precision, CLIP's text model and T5's encoder in the precision of their files."""

    def __init__(self, pipeline: PipelineFolder) -> None:
        self._pipeline = pipeline
        self._latents: FluxLatents | None = None
        self._readers: dict[str, tuple[Any, Any]] = {}

    @cached_property
    def digest(self) -> str:
        """16 hex digits that tell these encoders and vocabularies from others."""
        return self._pipeline.digest(VAE, CLIP, T5, *_WORDS.values())

    @property
    def loaded(self) -> dict[str, nn.Module]:
        """Those that were used so far, by the names of their folders."""
        readers = {name: model for name, (model, _) in self._readers.items()}
        return readers if self._latents is None else {VAE: self._latents.loaded, **readers}

    def latents(self, channels: int, device: torch.device) -> FluxLatents:
        """The autoencoder. Raises CheckpointError unless its latents have so many channels and the usual cells."""
        if self._latents is None:
            found = FluxLatents(partial(self._pipeline.part, VAE))
            config = found.on(device).config
            made = config.latent_channels, 2 ** (len(config.block_out_channels) - 1)
            if made != (channels, CELL):
                raise CheckpointError(
                    f"training.editor.model: its {VAE} makes {made[0]} channels of {made[1]}-pixel cells, its "
                    f"transformer takes {channels} of {CELL}; name a pipeline whose parts belong together"
                )
            self._latents = found
        return self._latents

    @torch.no_grad()
    def states(self, prompt: str, device: torch.device) -> Tensor:
        """T5's last hidden states (512, width): padding is encoded and attended to as in training, what is longer is
        cut.
        """
        model, words = self._reader(T5, T5EncoderModel, T5TokenizerFast, device)
        return model(_ids(words, prompt, KEPT["kontext"].length).to(device)).last_hidden_state[0]

    @torch.no_grad()
    def pooled(self, prompt: str, device: torch.device) -> Tensor:
        """CLIP's pooled state (width,) of the prompt's first 77 tokens, marks of its ends included."""
        model, words = self._reader(CLIP, CLIPTextModel, CLIPTokenizer, device)
        return model(_ids(words, prompt, words.model_max_length).to(device)).pooler_output[0]

    def _reader(self, name: str, kind: Any, tokenizer: Any, device: torch.device) -> tuple[Any, Any]:
        """Model and tokenizer, loaded at the first call."""
        if name not in self._readers:
            words = load_tokenizer(tokenizer, self._pipeline.part(_WORDS[name]))
            self._readers[name] = load_language_model(kind, self._pipeline.part(name), device), words
        return self._readers[name]


def _ids(words: Any, prompt: str, length: int | None) -> Tensor:
    """Token ids (1, length), padded and cut."""
    return words(prompt, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
