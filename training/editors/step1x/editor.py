"""Step1X-Edit and RealRestorer behind the editor's interface."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from torch import Tensor, nn

from degradations.cues.weights import digest
from schemas.errors import CheckpointError
from schemas.recipe.training import Step1XSection
from training.editors.base import Condition, Editor, EditorConfig, Posterior, Request, Rows
from training.editors.flux_latents import CELL, CHANNELS, FluxLatents
from training.editors.step1x.checkpoint import open_step1x, shape_of, write_diffusers, write_official
from training.editors.step1x.flops import connector_flops
from training.editors.step1x.places import locate, the_autoencoder, the_language_model, the_transformer
from training.editors.step1x.text import Step1XReader
from training.families.guidance import guide_step1x
from training.families.packing import PATCH, TOKEN, grid, pack, token_counts, unpack
from training.families.prompts import Kept, keep
from training.families.timesteps import TIMESTEPS
from training.flops import FluxShape, forward_flops

#: Text positions that the transformer attends to, padding included.
TEXT = 640
_PREFIX = "model."


class Step1XEditor(Editor):
    """Step1X-Edit (2025), v1.0 and v1.1, and RealRestorer (2026): the degraded picture is in context as latents beside
    the target, and through Qwen2.5-VL with the instruction.

    With the `noise_free` form the target's tokens are the only ones of an image. The path then leads from the degraded
    picture (t = 0) to the clean one, against the pretrained one's direction: the transformer is asked at σ = 1 − t and
    its velocity turned round, so that it still points from the clean image to where the path starts.
    """

    multiple = TOKEN
    timesteps = TIMESTEPS["step1x"]

    def __init__(self, config: EditorConfig) -> None:
        """Raises RecipeError when a section's place is none, CheckpointError when the transformer's is not Step1X's."""
        super().__init__(config)
        assert isinstance(config.editor, Step1XSection)
        self.section = section = config.editor
        self.in_context = config.objective.form == "noise"
        self._path = locate("training.editor.transformer", section.transformer, the_transformer)
        self.model, rows = open_step1x(self._path)
        channels = self.model.transformer.config.in_channels
        if channels != CHANNELS * PATCH**2:
            raise CheckpointError(
                f"training.editor.transformer: {section.transformer!r} has {channels} channels a token, not "
                f"{CHANNELS * PATCH**2}; name Step1X-Edit's transformer"
            )
        self._latents = FluxLatents(partial(locate, "training.editor.vae", section.vae, the_autoencoder))
        self._reader = Step1XReader(
            partial(locate, "training.editor.text_encoder", section.text_encoder, the_language_model)
        )
        #: What the checkpoint has besides parameters; a few thousand numbers that nothing trains.
        self._others = {name: rows[name](0, len(each)).clone() for name, each in self.model.named_buffers()}
        self.model.load_state_dict(self._others, strict=False)

    @property
    def identity(self) -> str:
        return f"step1x@{digest(self._latents.digest, self._reader.digest)}"

    def encode_requests(self, requests: Sequence[Request]) -> list[Condition]:
        """text: (positions, 3584), the last hidden states of each request, at most 640; bf16, on a CPU fp32."""
        return [{"text": self._reader.read(request, self.device)} for request in requests]

    def collate(self, conditions: Sequence[Condition]) -> Condition:
        """text: (B, 640, 3584), zero behind each request's own. mask: bool (B, 640), true for them. The transformer
        attends to the zeros too, so their number is part of the model.
        """
        text, mask = keep([each["text"].to(self.device) for each in conditions], Kept(drop=0, length=TEXT))
        return {"text": text, "mask": mask}

    def encode(self, pixels: Tensor) -> Posterior:
        return self._latents.encode(pixels, self.device)

    def decode(self, latents: Tensor) -> Tensor:
        return self._latents.decode(latents, self.device)

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return CHANNELS, height // CELL, width // CELL

    def target_tokens(self, height: int, width: int) -> int:
        return grid(height, width).tokens

    def forward_flops(self, height: int, width: int) -> int:
        target = grid(height, width)
        tokens = token_counts(TEXT, target, *([target] if self.in_context else []))
        flux = FluxShape.of(self.model.transformer.config)
        return forward_flops(flux, tokens) + connector_flops(shape_of(self.model), TEXT)

    def forward(self, state: Tensor, time: Tensor, reference: Tensor | None, condition: Condition) -> Tensor:
        if (reference is not None) != self.in_context:
            form = self.config.objective.form
            raise ValueError(f"form {form!r}: reference must be {'given' if self.in_context else 'None'}")
        rows, columns = state.shape[2] // PATCH, state.shape[3] // PATCH
        dtype = self.model.transformer.x_embedder.weight.dtype
        velocity = self.model(
            target=pack(state).to(dtype),
            reference=None if reference is None else pack(reference).to(dtype),
            grid=(rows, columns),
            time=time if self.in_context else 1.0 - time,
            text=condition["text"].to(dtype),
            mask=condition["mask"],
        )
        found = unpack(velocity, rows, columns).to(state.dtype)
        return found if self.in_context else -found

    def guide(self, conditional: Tensor, unconditional: Tensor, scale: float, sigma: float) -> Tensor:
        rows, columns = conditional.shape[2] // PATCH, conditional.shape[3] // PATCH
        return unpack(guide_step1x(pack(conditional), pack(unconditional), scale, sigma), rows, columns)

    def blocks(self) -> Sequence[nn.Module]:
        refiner = self.model.connector.refiner.token_refiner.refiner_blocks
        return [*refiner, *self.model.transformer.transformer_blocks, *self.single_blocks()]

    def single_blocks(self) -> Sequence[nn.Module]:
        return list(self.model.transformer.single_transformer_blocks)

    def adapted(self) -> nn.Module:
        return self.model.transformer

    def base_weights(self) -> Mapping[str, Rows]:
        rows = open_step1x(self._path).rows
        return {_PREFIX + name: read for name, read in rows.items() if name not in self._others}

    def save_weights(self, folder: Path, weights: Mapping[str, Tensor]) -> None:
        """Writes `transformer`, which diffusers' FluxTransformer2DModel loads, and `connector`, which Step1XConnector
        does.
        """
        write_diffusers(self.model, self._whole(weights), folder, under=_PREFIX)

    def save_official(self, file: Path, weights: Mapping[str, Tensor], prefix: str = "") -> None:
        """Writes `weights`, one for each parameter by name, in the published layout: a safetensors file or, above 10
        GB, shards and their index. prefix: "inner_model." for RealRestorer's names.
        """
        write_official(self.model, self._whole(weights), file, prefix, under=_PREFIX)

    def _whole(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        others = {_PREFIX + name: self._others[name].to(each.dtype) for name, each in self.model.named_buffers()}
        return ChainMap(others, cast(dict[str, Tensor], weights))

    def frozen(self) -> Mapping[str, nn.Module]:
        made = {"vae": self._latents.loaded, "text_encoder": self._reader.loaded}
        return {name: model for name, model in made.items() if model is not None}
