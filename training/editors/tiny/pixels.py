"""A small flow transformer on pixels that trains on a CPU."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.editors.base import Condition, EditorConfig, Posterior
from training.editors.tiny.small import SmallEditor
from training.editors.tiny.starlet import starlet
from training.editors.tiny.transformer import position_ids, small_transformer
from training.families.packing import Grid

#: Pixels a side of a token, and of a cell of the stem's and the tail's features.
PATCH, CELL = 8, 2
#: Wavelet planes, the last one being the smooth rest.
LEVELS = 5


class PixelEditor(SmallEditor):
    """Flux's transformer (diffusers) between a convolutional stem and tail.

    The stem makes features at half resolution; 4×4 of them are a token of 8×8 pixels. The transformer sees the words
    of the prompt and an overview of the whole picture as context, so that the tiles of one picture agree about its
    haze. The tail joins the transformer's output to the stem's features: no seams between patches. Its last layer
    starts at zero, so an untrained editor predicts velocity 0: for `noise_free`, restored = degraded.

    Latents are pixels scaled to [−1, 1].
    """

    multiple = PATCH

    def __init__(self, config: EditorConfig) -> None:
        super().__init__(config)
        section = self.section
        features, width = section.features, section.heads * section.head_dim
        grid = PATCH // CELL
        self.opponent = _opponent()
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(CELL),
            nn.Conv2d(3 * LEVELS * CELL**2, features, 3, padding=1),
            ConvBlock(features),
        )
        self.transformer = small_transformer(section, features * grid**2)
        self.join = nn.Conv2d(features * (3 if self.in_context else 2), features, 1)
        self.modulation = nn.Linear(width, 2 * 2 * features)
        self.tail = nn.ModuleList([ConvBlock(features), ConvBlock(features)])
        images = 2 if self.in_context else 1
        self.out = nn.Sequential(
            nn.Conv2d(features, 3 * (images * LEVELS + 1) * CELL**2, 3, padding=1), nn.PixelShuffle(CELL)
        )
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    @property
    def identity(self) -> str:
        return f"tiny@{self.section.words}"

    def encode(self, pixels: Tensor) -> Posterior:
        colours, pixels = self.opponent.to(self.device), pixels.to(self.device)
        return Posterior(torch.einsum("oc,bchw->bohw", colours, pixels * 2.0 - 1.0), None)

    def decode(self, latents: Tensor) -> Tensor:
        return (torch.einsum("oc,bohw->bchw", self.opponent.to(latents.device), latents) + 1.0) / 2.0

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return 3, height, width

    def target_tokens(self, height: int, width: int) -> int:
        return (height // PATCH) * (width // PATCH)

    def forward_flops(self, height: int, width: int) -> int:
        """The transformer's; the convolutions before and after it are left out."""
        return self.transformer_flops(Grid(height // PATCH, width // PATCH))

    def forward(self, state: Tensor, time: Tensor, reference: Tensor | None, condition: Condition) -> Tensor:
        if (reference is not None) != self.in_context:
            raise ValueError(
                f"form {self.config.objective.form!r}: reference must be {'given' if self.in_context else 'None'}"
            )
        bands = [starlet(image, LEVELS) for image in (state, reference) if image is not None]
        cells = [self.stem(band) for band in bands]
        grid, (rows, columns) = PATCH // CELL, (state.shape[2] // PATCH, state.shape[3] // PATCH)
        tokens = torch.cat([F.pixel_unshuffle(cell, grid).flatten(2).mT for cell in cells], dim=1)
        context, pooled = self.context(condition)
        out = self.transformer(
            hidden_states=tokens,
            encoder_hidden_states=context,
            pooled_projections=pooled,
            timestep=time,
            img_ids=position_ids(len(cells), rows, columns, state.device),
            txt_ids=torch.zeros(context.shape[1], 3, device=state.device),
            return_dict=False,
        )[0][:, : rows * columns]
        detail = F.pixel_shuffle(out.mT.unflatten(2, (rows, columns)), grid)
        hidden = self.join(torch.cat([detail, *cells], dim=1))
        embedded = self.transformer.time_text_embed(time.to(pooled.dtype) * 1000, pooled)
        modulations = self.modulation(F.silu(embedded)).unflatten(1, (len(self.tail), 2, -1))
        for block, modulation in zip(self.tail, modulations.unbind(1), strict=True):
            scale, offset = modulation[..., None, None].unbind(1)
            hidden = block(hidden * (1.0 + scale) + offset)
        *gains, residual = self.out(hidden).unflatten(1, (-1, 3)).unbind(1)
        parts = torch.cat(bands, dim=1).unflatten(1, (-1, 3)).unbind(1)
        return residual + sum(gain * part for gain, part in zip(gains, parts, strict=True))

    def frozen(self) -> Mapping[str, nn.Module]:
        return {}


class ConvBlock(nn.Module):
    """Two 3×3 convolutions around a GELU, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, cells: Tensor) -> Tensor:
        return cells + self.second(F.gelu(self.first(cells), approximate="tanh"))


def _opponent() -> Tensor:
    """Orthonormal axes of colour: grey, red against blue, green against both. (3, 3)."""
    axes = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 2.0, -1.0]])
    return axes / axes.norm(dim=1, keepdim=True)
