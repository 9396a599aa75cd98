"""A small flow transformer on pixels that trains on a CPU."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from torch import Tensor, nn

from training.editors.base import Condition, Editor, EditorConfig, Request
from training.editors.words import word_ids

#: Words of a prompt that are read.
WORDS = 16
#: Side of the overview, the whole degraded picture made small, and of its patches.
OVERVIEW, OVERVIEW_PATCH = 32, 8
#: Pixels a side of a token, and of a cell of the stem's and the tail's features.
PATCH, CELL = 8, 2
#: Wavelet planes, the last one being the smooth rest.
LEVELS = 5
#: Widths of the rotary position axes (image, row, column) for each 16 of a head's width, as 16/56/56 of 128.
ROPE_SIXTEENTHS = (2, 7, 7)


class TinyEditor(Editor):
    """Flux's transformer (diffusers) between a convolutional stem and tail.

    The stem makes features at half resolution; 4×4 of them are a token of 8×8 pixels. The transformer sees the words
    of the prompt and an overview of the whole picture as context, so that the tiles of one picture agree about its
    haze. The tail joins the transformer's output to the stem's features: no seams between patches. Its last layer
    starts at zero, so an untrained editor predicts velocity 0: for `noise_free`, restored = degraded.

    Latents are pixels scaled to [−1, 1].
    """

    def __init__(self, config: EditorConfig) -> None:
        super().__init__(config)
        section = config.editor
        features, width = section.features, section.heads * section.head_dim
        self.in_context = config.objective.form == "noise"
        grid = PATCH // CELL
        self.opponent = _opponent()
        self.words = nn.Embedding(section.words, width)
        self.overview = nn.Linear(3 * OVERVIEW_PATCH**2, width)
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(CELL),
            nn.Conv2d(3 * LEVELS * CELL**2, features, 3, padding=1),
            ConvBlock(features),
        )
        self.transformer = FluxTransformer2DModel(
            patch_size=1,
            in_channels=features * grid**2,
            num_layers=section.double_blocks,
            num_single_layers=section.single_blocks,
            attention_head_dim=section.head_dim,
            num_attention_heads=section.heads,
            joint_attention_dim=width,
            pooled_projection_dim=width,
            axes_dims_rope=tuple(share * section.head_dim // 16 for share in ROPE_SIXTEENTHS),
        )
        self.join = nn.Conv2d(features * (3 if self.in_context else 2), features, 1)
        self.modulation = nn.Linear(width, 2 * 2 * features)
        self.tail = nn.ModuleList([ConvBlock(features), ConvBlock(features)])
        images = 2 if self.in_context else 1
        self.out = nn.Sequential(
            nn.Conv2d(features, 3 * (images * LEVELS + 1) * CELL**2, 3, padding=1), nn.PixelShuffle(CELL)
        )
        nn.init.normal_(self.words.weight, std=0.5)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def encode_condition(self, requests: Sequence[Request]) -> Condition:
        """words: int64 (B, 16). overview: float32 (B, 16, 192), patches of the picture made small, in [−1, 1]."""
        ids = [word_ids(request.prompt, self.config.editor.words, WORDS) for request in requests]
        return {
            "words": torch.tensor(ids, dtype=torch.int64),
            "overview": torch.from_numpy(np.stack([_overview(request.picture) for request in requests])),
        }

    def encode(self, pixels: Tensor) -> Tensor:
        return torch.einsum("oc,bchw->bohw", self.opponent, pixels * 2.0 - 1.0)

    def decode(self, latents: Tensor) -> Tensor:
        return (torch.einsum("oc,bohw->bchw", self.opponent, latents) + 1.0) / 2.0

    def forward(self, state: Tensor, time: Tensor, reference: Tensor | None, condition: Condition) -> Tensor:
        if (reference is not None) != self.in_context:
            raise ValueError(
                f"form {self.config.objective.form!r}: reference must be {'given' if self.in_context else 'None'}"
            )
        bands = [starlet(image, LEVELS) for image in (state, reference) if image is not None]
        cells = [self.stem(band) for band in bands]
        grid, (rows, columns) = PATCH // CELL, (state.shape[2] // PATCH, state.shape[3] // PATCH)
        tokens = torch.cat([F.pixel_unshuffle(cell, grid).flatten(2).mT for cell in cells], dim=1)
        words = self.words(condition["words"])
        context = torch.cat([words, self.overview(condition["overview"])], dim=1)
        pooled = words.mean(dim=1)
        out = self.transformer(
            hidden_states=tokens,
            encoder_hidden_states=context,
            pooled_projections=pooled,
            timestep=time,
            img_ids=_position_ids(len(cells), rows, columns, state.device),
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

    def blocks(self) -> Sequence[nn.Module]:
        return [*self.transformer.transformer_blocks, *self.transformer.single_transformer_blocks]

    def single_blocks(self) -> Sequence[nn.Module]:
        return list(self.transformer.single_transformer_blocks)


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


def starlet(image: Tensor, levels: int) -> Tensor:
    """The à trous wavelet planes, finest first, then what is left (Starck and Murtagh 1994): (B, levels·C, H, W).

    Their sum is the image. Smoothing is by the B₃ spline (1, 4, 6, 4, 1)/16 with gaps of 1, 2, 4, … pixels.
    """
    planes = []
    for level in range(levels - 1):
        smooth = _smooth(image, 2**level)
        planes.append(image - smooth)
        image = smooth
    return torch.cat([*planes, image], dim=1)


def _smooth(image: Tensor, gap: int) -> Tensor:
    channels = image.shape[1]
    spline = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]).to(image) / 16.0
    padded = F.pad(image, (2 * gap,) * 4, mode="replicate")
    rows = F.conv2d(padded, spline.view(1, 1, 5, 1).expand(channels, 1, 5, 1), dilation=gap, groups=channels)
    return F.conv2d(rows, spline.view(1, 1, 1, 5).expand(channels, 1, 1, 5), dilation=gap, groups=channels)


def _position_ids(images: int, rows: int, columns: int, device: torch.device) -> Tensor:
    """(image, row, column) of each token, float32 (images·rows·columns, 3)."""
    axes = torch.arange(images), torch.arange(rows), torch.arange(columns)
    return torch.cartesian_prod(*axes).reshape(-1, 3).float().to(device)


def _overview(picture: np.ndarray) -> np.ndarray:
    small = cv2.resize(picture, (OVERVIEW, OVERVIEW), interpolation=cv2.INTER_AREA).astype(np.float32) / 127.5 - 1.0
    side = OVERVIEW // OVERVIEW_PATCH
    patches = small.reshape(side, OVERVIEW_PATCH, side, OVERVIEW_PATCH, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(patches.reshape(side * side, -1))
