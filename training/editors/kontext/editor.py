"""FLUX.1 Kontext (Black Forest Labs, 2025) as an editor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import FluxTransformer2DModel
from torch import Tensor, nn

from schemas.errors import CheckpointError
from schemas.recipe.training import KontextSection
from training.editors.base import Condition, Editor, EditorConfig, Posterior, Request, Rows
from training.editors.diffusers_folder import empty_part, shapes_of
from training.editors.diffusers_saving import save_part
from training.editors.flux_latents import CELL
from training.editors.kontext.frozen import KontextEncoders
from training.editors.pipeline_folder import TRANSFORMER, PipelineFolder, transformer_folder
from training.editors.weight_files import WeightFiles
from training.families.packing import PATCH, TOKEN, Grid, grid, pack, token_counts, unpack
from training.families.positions import PositionIds, image_ids, kontext_ids
from training.families.prompts import KEPT
from training.families.timesteps import TIMESTEPS
from training.flops import FluxShape, forward_flops


class KontextEditor(Editor):
    """Flux's transformer (diffusers) with a guidance embedding, told the recipe's guidance in training and in use.

    Text tokens are T5's 512 states, the pooled vector is CLIP's. Both come from the prompt alone: no encoder of this
    family looks at the picture of a request, so dropping it changes nothing. Latents are FLUX's autoencoder's,
    (z − shift) · scale; reference tokens follow the target's as image 1.

    The `noise_free` form has no reference: the sequence is text and target. Its path leads from the degraded picture
    (t = 0) to the clean one, against the pretrained one's direction, so the transformer is asked at σ = 1 − t and its
    velocity turned round.
    """

    multiple = TOKEN
    timesteps = TIMESTEPS["kontext"]
    sees_picture = False

    def __init__(self, config: EditorConfig) -> None:
        """Raises CheckpointError or RecipeError where the section's pipeline or transformer cannot be used."""
        super().__init__(config)
        assert isinstance(config.editor, KontextSection)
        self.guidance = config.editor.guidance
        pipeline = PipelineFolder(config.editor.model, "FluxKontextPipeline")
        self._weights = transformer_folder(pipeline, config.editor.transformer)
        self.transformer = empty_part(FluxTransformer2DModel, self._weights)
        self.channels = _channels(self.transformer.config, self._weights)
        self._encoders = KontextEncoders(pipeline)

    @property
    def identity(self) -> str:
        return f"kontext@{self._encoders.digest}"

    def encode_requests(self, requests: Sequence[Request]) -> list[Condition]:
        """`text` (512, width) and `pooled` (width,) of each prompt, in the encoders' precision; a prompt that comes
        again is encoded once.
        """
        prompts = dict.fromkeys(request.prompt for request in requests)
        made = {
            prompt: {
                "text": self._encoders.states(prompt, self.device),
                "pooled": self._encoders.pooled(prompt, self.device),
            }
            for prompt in prompts
        }
        return [made[request.prompt] for request in requests]

    def collate(self, conditions: Sequence[Condition]) -> Condition:
        """Stacked, in single precision."""
        return {
            name: torch.stack([condition[name].to(self.device).float() for condition in conditions])
            for name in ("text", "pooled")
        }

    def encode(self, pixels: Tensor) -> Posterior:
        return self._encoders.latents(self.channels, self.device).encode(pixels, self.device)

    def decode(self, latents: Tensor) -> Tensor:
        return self._encoders.latents(self.channels, self.device).decode(latents, self.device)

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return self.channels, height // CELL, width // CELL

    def target_tokens(self, height: int, width: int) -> int:
        return grid(height, width).tokens

    def forward_flops(self, height: int, width: int) -> int:
        target = grid(height, width)
        references = [target] if self.config.objective.form == "noise" else []
        tokens = token_counts(KEPT["kontext"].length or 0, target, *references)
        return forward_flops(FluxShape.of(self.transformer.config), tokens)

    def forward(self, state: Tensor, time: Tensor, reference: Tensor | None, condition: Condition) -> Tensor:
        """The velocity at `state`; the reference may have a size of its own.

        Raises ValueError when the reference is given without the form `noise` or not given with it.
        """
        form = self.config.objective.form
        if (reference is not None) != (form == "noise"):
            raise ValueError(f"form {form!r}: reference must be {'given' if form == 'noise' else 'None'}")
        target, text = _grid(state), condition["text"].to(state.dtype)
        tokens = pack(state)
        if reference is None:
            ids = PositionIds(torch.zeros(text.shape[1], 3), image_ids(0, target))
        else:
            tokens = torch.cat([tokens, pack(reference)], dim=1)
            ids = kontext_ids(text.shape[1], target, _grid(reference))
        sigma = time if reference is not None else 1.0 - time
        embeds_guidance = self.transformer.config.guidance_embeds
        velocity = self.transformer(
            hidden_states=tokens,
            encoder_hidden_states=text,
            pooled_projections=condition["pooled"].to(state.dtype),
            timestep=sigma,
            img_ids=ids.image.to(state.device),
            txt_ids=ids.text.to(state.device),
            guidance=torch.full_like(time, self.guidance) if embeds_guidance else None,
            return_dict=False,
        )[0]
        velocity = unpack(velocity[:, : target.tokens], *target)
        return velocity if reference is not None else -velocity

    def blocks(self) -> Sequence[nn.Module]:
        return [*self.transformer.transformer_blocks, *self.transformer.single_transformer_blocks]

    def single_blocks(self) -> Sequence[nn.Module]:
        return list(self.transformer.single_transformer_blocks)

    def adapted(self) -> nn.Module:
        return self.transformer

    def base_weights(self) -> Mapping[str, Rows]:
        files = WeightFiles(self._weights)
        files.check(shapes_of(self.transformer))
        return {f"{TRANSFORMER}.{name}": partial(files.rows, name) for name in files.shapes}

    def save_weights(self, folder: Path, weights: Mapping[str, Tensor]) -> None:
        save_part(self.transformer, folder / TRANSFORMER, weights, prefix=f"{TRANSFORMER}.")

    def frozen(self) -> Mapping[str, nn.Module]:
        return self._encoders.loaded


def _grid(latents: Tensor) -> Grid:
    return Grid(latents.shape[2] // PATCH, latents.shape[3] // PATCH)


def _channels(config: Any, folder: Path) -> int:
    """Latent channels of a Flux transformer. Raises CheckpointError for one that takes others in than it gives, as
    those for filling, depth and edges do.
    """
    taken, given = config.in_channels, config.out_channels or config.in_channels
    if taken != given or taken % PATCH**2 or config.patch_size != 1:
        raise CheckpointError(
            f"weights {folder}: {taken} channels a token in and {given} out with patches of {config.patch_size}, where "
            f"Kontext has equal multiples of {PATCH**2} and 1; name Kontext's transformer"
        )
    return int(taken // PATCH**2)
