"""What the small editors have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from torch import Tensor, nn

from schemas.recipe.training import TinySection
from training.editors.base import Condition, Editor, EditorConfig, Request
from training.editors.tiny.context import TOKENS, Context, joined, read_request
from training.editors.tiny.transformer import save_small, small_timesteps
from training.families.packing import Grid, token_counts
from training.flops import FluxShape, forward_flops


class SmallEditor(Editor):
    """Flux's transformer (diffusers), told of the prompt's words and an overview of the picture.

    in_context: whether the degraded image is in context, as the `noise` form has it.
    """

    transformer: FluxTransformer2DModel

    def __init__(self, config: EditorConfig) -> None:
        super().__init__(config)
        assert isinstance(config.editor, TinySection)
        self.section = config.editor
        self.timesteps = small_timesteps(config.objective)
        self.in_context = config.objective.form == "noise"
        self.context = Context(self.section.words, self.section.heads * self.section.head_dim)

    def encode_requests(self, requests: Sequence[Request]) -> list[Condition]:
        return [read_request(request, self.section.words) for request in requests]

    def collate(self, conditions: Sequence[Condition]) -> Condition:
        return joined(conditions, self.device)

    def transformer_flops(self, target: Grid) -> int:
        """Operations of the transformer's forward pass."""
        tokens = token_counts(TOKENS, target, *([target] if self.in_context else []))
        return forward_flops(FluxShape.of(self.transformer.config), tokens)

    def blocks(self) -> Sequence[nn.Module]:
        return [*self.transformer.transformer_blocks, *self.transformer.single_transformer_blocks]

    def single_blocks(self) -> Sequence[nn.Module]:
        return list(self.transformer.single_transformer_blocks)

    def adapted(self) -> nn.Module:
        return self.transformer

    def save_weights(self, folder: Path, weights: Mapping[str, Tensor]) -> None:
        save_small(folder, weights)
