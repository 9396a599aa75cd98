"""Step1X-Edit's transformer: diffusers' Flux transformer behind a connector from the language model."""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, FluxTransformer2DModel, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.transformers.transformer_hunyuan_video import HunyuanVideoTokenRefiner
from torch import Tensor, nn

from training.editors.step1x.shape import ROPE_SIXTEENTHS, Step1XShape

#: What a checkpoint with a guidance embedding is fed, in training and in use.
GUIDANCE = 4.0


class Step1XConnector(ModelMixin, ConfigMixin):
    """From the language model's hidden states to Flux's text tokens and pooled vector (Step1X-Edit, 2025).

    A token refiner (HunyuanVideo's, 2024) for the tokens; for the pooled vector one linear layer over the mean of the
    valid hidden states, in v1.0 (`scaled`) times 1 + a learned number.
    mask_token_width: where not 0, a vector of the published checkpoint is kept that nothing uses.
    """

    @register_to_config
    def __init__(
        self,
        text_width: int,
        width: int,
        heads: int,
        blocks: int,
        pooled_width: int,
        scaled: bool,
        mask_token_width: int = 0,
    ) -> None:
        super().__init__()
        self.refiner = HunyuanVideoTokenRefiner(text_width, heads, width // heads, blocks)
        self.global_proj_out = nn.Linear(text_width, pooled_width)
        self.scale_factor = nn.Parameter(torch.full((1,), 0.09 - 1.0)) if scaled else None
        mask_token = torch.zeros(1, 1, mask_token_width) if mask_token_width else None
        self.register_buffer("mask_token", mask_token)

    def forward(self, text: Tensor, time: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, S, width) and pooled vector (B, pooled_width).

        text: (B, S, text_width). time: (B,) in [0, 1]. mask: (B, S), true for a valid position; each row needs one.
        The tokens of the other positions are not zero: the published model attends to them.
        """
        mean = (text * mask.unsqueeze(-1)).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        if self.scale_factor is not None:
            mean = mean * (1.0 + self.scale_factor.to(mean.dtype))
        return self.refiner(text, time * 1000.0, mask), self.global_proj_out(mean)


class Step1XTransformer(nn.Module):
    """Predicts the velocity ε − x of target tokens beside reference tokens, in the language model's context."""

    def __init__(self, transformer: FluxTransformer2DModel, connector: Step1XConnector) -> None:
        super().__init__()
        self.transformer = transformer
        self.connector = connector

    @classmethod
    def of(cls, shape: Step1XShape) -> Step1XTransformer:
        """With fresh weights."""
        width = shape.heads * shape.head_dim
        return cls(
            FluxTransformer2DModel(
                patch_size=1,
                in_channels=shape.channels,
                num_layers=shape.double_blocks,
                num_single_layers=shape.single_blocks,
                attention_head_dim=shape.head_dim,
                num_attention_heads=shape.heads,
                joint_attention_dim=shape.refiner_width,
                pooled_projection_dim=shape.pooled_width,
                guidance_embeds=shape.guidance,
                axes_dims_rope=tuple(share * shape.head_dim // 16 for share in ROPE_SIXTEENTHS),
            ),
            Step1XConnector(
                text_width=shape.text_width,
                width=shape.refiner_width,
                heads=shape.refiner_width // shape.head_dim,
                blocks=shape.refiner_blocks,
                pooled_width=shape.pooled_width,
                scaled=shape.version == "v1.0",
                mask_token_width=width if shape.mask_token else 0,
            ),
        )

    @property
    def reference_axis(self) -> int:
        """The reference's place on the image axis of the rotary positions: the target's own, 0, in v1.0; 1 in v1.1."""
        return 0 if self.connector.scale_factor is not None else 1

    def forward(
        self, target: Tensor, reference: Tensor | None, grid: tuple[int, int], time: Tensor, text: Tensor, mask: Tensor
    ) -> Tensor:
        """The velocity at `target`, of its shape.

        target, reference: (B, rows·columns, channels), tokens of 2×2 latent cells in raster order; without a reference
        the target's are the only ones. grid: (rows, columns). time: (B,) in [0, 1]. text: (B, S, text_width), the
        language model's last hidden states, zero behind the valid ones. mask: (B, S), true for the valid ones. S
        changes the result, as padding is attended.
        """
        tokens, pooled = self.connector(text, time, mask)
        guidance = torch.full_like(time, GUIDANCE) if self.transformer.config.guidance_embeds else None
        images = [target] if reference is None else [target, reference]
        velocity = self.transformer(
            hidden_states=torch.cat(images, dim=1),
            encoder_hidden_states=tokens.to(target.dtype),
            pooled_projections=pooled,
            timestep=time,
            img_ids=self._position_ids(len(images), grid, target.device),
            txt_ids=torch.zeros(tokens.shape[1], 3, device=target.device),
            guidance=guidance,
            return_dict=False,
        )[0]
        return velocity[:, : target.shape[1]]

    def _position_ids(self, images: int, grid: tuple[int, int], device: torch.device) -> Tensor:
        rows, columns = (torch.arange(side, device=device, dtype=torch.float32) for side in grid)
        axis = torch.tensor([0.0, float(self.reference_axis)][:images], device=device)
        return torch.cartesian_prod(axis, rows, columns)
