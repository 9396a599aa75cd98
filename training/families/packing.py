"""Latents as tokens: each 2×2 patch of latent cells is one token (FLUX.1, 2024; Qwen-Image packs alike).

A latent cell covers 8×8 pixels, a token 16×16. A token's channels run (channel, row, column) of its patch.
"""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

#: Latent cells and pixels along a token's side.
PATCH, TOKEN = 2, 16


def pack(latents: Tensor) -> Tensor:
    """(B, C, H, W) → (B, H/2 · W/2, 4C), row by row. Raises ValueError when H or W is odd."""
    height, width = latents.shape[2:]
    if height % PATCH or width % PATCH:
        raise ValueError(f"latents {height}×{width}: sides must be even; use pictures with sides multiple of {TOKEN}")
    return F.pixel_unshuffle(latents, PATCH).flatten(2).mT


def unpack(tokens: Tensor, rows: int, columns: int) -> Tensor:
    """(B, rows · columns, 4C) → (B, C, 2 · rows, 2 · columns), the inverse of `pack`.

    Raises ValueError when the tokens are not rows · columns.
    """
    if tokens.shape[1] != rows * columns:
        raise ValueError(f"{tokens.shape[1]} tokens do not fill {rows}×{columns}; pass the target's tokens only")
    return F.pixel_shuffle(tokens.mT.unflatten(2, (rows, columns)), PATCH)


class Grid(NamedTuple):
    """Rows and columns of an image's tokens."""

    rows: int
    columns: int

    @property
    def tokens(self) -> int:
        return self.rows * self.columns


def grid(height: int, width: int) -> Grid:
    """The tokens of a picture in pixels. Raises ValueError when a side is no positive multiple of 16."""
    if min(height, width) < TOKEN or height % TOKEN or width % TOKEN:
        raise ValueError(f"picture {height}×{width}: sides must be multiples of {TOKEN}; resize or crop it")
    return Grid(height // TOKEN, width // TOKEN)


class TokenCounts(NamedTuple):
    """What one sample sends through the transformer: text, then target, then reference tokens."""

    text: int
    target: int
    reference: int

    @property
    def image(self) -> int:
        return self.target + self.reference

    @property
    def total(self) -> int:
        return self.text + self.target + self.reference


def token_counts(text: int, target: Grid, *references: Grid) -> TokenCounts:
    """The counts of a sample: 640 + 4096 + 4096 for Step1X-Edit at 1024×1024."""
    return TokenCounts(text, target.tokens, sum(reference.tokens for reference in references))
