"""Qwen-Image-Edit and Qwen-Image-Edit-Plus behind the editor's interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from diffusers import QwenImageTransformer2DModel
from torch import Tensor, nn

from schemas.errors import CheckpointError
from schemas.recipe.training import QwenSection
from training.editors.base import Condition, Editor, EditorConfig, Posterior, Request, Rows
from training.editors.diffusers_folder import empty_part, shapes_of
from training.editors.diffusers_saving import save_part
from training.editors.pipeline_folder import TRANSFORMER, PipelineFolder, transformer_folder
from training.editors.qwen.attention import rotate_in_reals
from training.editors.qwen.flops import QwenShape, qwen_forward_flops
from training.editors.qwen.frozen import CELL, CHANNELS, QwenEncoders
from training.editors.qwen.pictures import EDIT, PLUS, text_tokens
from training.editors.weight_files import WeightFiles
from training.families.guidance import guide_qwen
from training.families.packing import PATCH, TOKEN, grid, pack, token_counts, unpack
from training.families.prompts import Kept, keep
from training.families.timesteps import TIMESTEPS

#: Where the models are published.
_PUBLISHED = {"qwen-image-edit": "Qwen/Qwen-Image-Edit", "qwen-image-edit-plus": "Qwen/Qwen-Image-Edit-2509"}
_PIPELINES = {EDIT: "QwenImageEditPipeline", PLUS: "QwenImageEditPlusPipeline"}
_WHOLE = Kept(drop=0, length=None)
# Variants of the transformer that want inputs which an editor has not.
_FOREIGN = ("use_additional_t_cond", "use_layer3d_rope", "guidance_embeds")


class QwenEditor(Editor):
    """Qwen-Image's transformer (diffusers) with the degraded picture in context twice: as latents beside the target,
    and through Qwen2.5-VL with the instruction (Qwen-Image-Edit; Plus, 2025).

    Every block has separate streams for text and image, so all blocks are `single_blocks`, the units of freezing.
    """

    multiple = TOKEN

    def __init__(self, config: EditorConfig) -> None:
        """Raises CheckpointError or RecipeError where the section's pipeline or transformer cannot be used."""
        super().__init__(config)
        assert isinstance(config.editor, QwenSection)
        self.section = section = config.editor
        self.timesteps = TIMESTEPS["qwen-image-edit"]
        self.in_context = config.objective.form == "noise"
        pipeline = PipelineFolder(section.model or _PUBLISHED[section.kind], _PIPELINES[section.kind])
        self._weights = transformer_folder(pipeline, section.transformer)
        self.transformer = empty_part(QwenImageTransformer2DModel, self._weights)
        self._check_shape()
        rotate_in_reals(self.transformer)
        self._encoders = QwenEncoders(section.kind, pipeline)

    def _check_shape(self) -> None:
        config = self.transformer.config
        foreign = [name for name in _FOREIGN if config[name]]
        if foreign or config["in_channels"] != CHANNELS * PATCH**2:
            raise CheckpointError(
                f"weights {self._weights}: {', '.join(foreign) or config['in_channels']} in its configuration, where "
                f"Qwen-Image-Edit has {'none' if foreign else CHANNELS * PATCH**2}; name its transformer"
            )

    @property
    def identity(self) -> str:
        return f"{self.section.kind}@{self._encoders.digest}"

    def encode_requests(self, requests: Sequence[Request]) -> list[Condition]:
        """states: (positions, width), the text encoder's last hidden states of each request, without padding."""
        return [{"states": self._encoders.read(request, self.device)} for request in requests]

    def collate(self, conditions: Sequence[Condition]) -> Condition:
        """states: (B, longest, width), zero behind each request's own. mask: bool (B, longest), true for them; left out
        where nothing is padded, which is the same to the transformer and lets it attend faster.
        """
        states, mask = keep([each["states"].to(self.device) for each in conditions], _WHOLE)
        return {"states": states} if bool(mask.all()) else {"states": states, "mask": mask}

    def encode(self, pixels: Tensor) -> Posterior:
        return self._encoders.encode(pixels, self.device)

    def decode(self, latents: Tensor) -> Tensor:
        return self._encoders.decode(latents, self.device)

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return CHANNELS, height // CELL, width // CELL

    def target_tokens(self, height: int, width: int) -> int:
        return grid(height, width).tokens

    def forward_flops(self, height: int, width: int) -> int:
        target = grid(height, width)
        references = [target] if self.in_context else []
        tokens = token_counts(text_tokens(self.section.kind, height, width), target, *references)
        return qwen_forward_flops(QwenShape.of(self.transformer.config), tokens)

    def forward(self, state: Tensor, time: Tensor, reference: Tensor | None, condition: Condition) -> Tensor:
        """The velocity at `state`; the reference may have a size of its own.

        The `noise_free` form's path leads from the degraded picture (t = 0) to the clean one, against the pretrained
        one's direction, so the transformer is asked at σ = 1 − t and its velocity turned round.
        """
        images = [image for image in (state, reference) if image is not None]
        shapes = [(1, image.shape[2] // PATCH, image.shape[3] // PATCH) for image in images]
        _, rows, columns = shapes[0]
        velocity = self.transformer(
            hidden_states=torch.cat([pack(image) for image in images], dim=1),
            timestep=time if self.in_context else 1.0 - time,
            encoder_hidden_states=condition["states"].to(state.dtype),
            encoder_hidden_states_mask=condition.get("mask"),
            img_shapes=[shapes] * len(state),
            return_dict=False,
        )[0]
        found = unpack(velocity[:, : rows * columns], rows, columns)
        return found if self.in_context else -found

    def guide(self, conditional: Tensor, unconditional: Tensor, scale: float, sigma: float) -> Tensor:
        rows, columns = conditional.shape[2] // PATCH, conditional.shape[3] // PATCH
        return unpack(guide_qwen(pack(conditional), pack(unconditional), scale), rows, columns)

    def blocks(self) -> Sequence[nn.Module]:
        return list(self.transformer.transformer_blocks)

    def single_blocks(self) -> Sequence[nn.Module]:
        return self.blocks()

    def adapted(self) -> nn.Module:
        return self.transformer

    def base_weights(self) -> Mapping[str, Rows]:
        files = WeightFiles(self._weights)
        files.check(shapes_of(self.transformer))
        return {f"{TRANSFORMER}.{name}": partial(files.rows, name) for name in files.shapes}

    def save_weights(self, folder: Path, weights: Mapping[str, Tensor]) -> None:
        """Writes `transformer`, which diffusers' QwenImageTransformer2DModel loads."""
        save_part(self.transformer, folder / TRANSFORMER, weights, prefix=f"{TRANSFORMER}.")

    def frozen(self) -> Mapping[str, nn.Module]:
        return self._encoders.loaded
