"""Rotary positions of text and image tokens: rows (image, row, column), float32.

The axes turn 16/56/56 of the 128 channels of a head, θ 10000, in every family. Image ids are target first, then
references, as the tokens are joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from training.families.packing import Grid


class PositionIds(NamedTuple):
    """text: (text tokens, 3). image: (target + reference tokens, 3)."""

    text: Tensor
    image: Tensor


def image_ids(image: int, grid: Grid, first_row: int = 0, first_column: int = 0) -> Tensor:
    """(rows · columns, 3): the image's number and the places, row by row, from the first row and column on."""
    rows = torch.arange(first_row, first_row + grid.rows)
    columns = torch.arange(first_column, first_column + grid.columns)
    return torch.cartesian_prod(torch.tensor([image]), rows, columns).float()


def step1x_ids(text: int, grid: Grid, version: Literal["1.0", "1.1"]) -> PositionIds:
    """Step1X-Edit (2025) and RealRestorer (2026): text at the origin; target and reference of one size.

    In 1.0 the reference lies on the target's own places; in 1.1 it is image 1.
    """
    reference = image_ids(0 if version == "1.0" else 1, grid)
    return PositionIds(torch.zeros(text, 3), torch.cat([image_ids(0, grid), reference]))


def kontext_ids(text: int, target: Grid, reference: Grid) -> PositionIds:
    """FLUX.1 Kontext (2025): text at the origin, the reference is image 1 and may have its own size."""
    return PositionIds(torch.zeros(text, 3), torch.cat([image_ids(0, target), image_ids(1, reference)]))


def qwen_ids(text: int, target: Grid, references: Sequence[Grid]) -> PositionIds:
    """Qwen-Image (2025): images centred on the origin and numbered from 0; text on the diagonal past the largest.

    Rows go from −⌈rows / 2⌉ to ⌊rows / 2⌋ − 1, columns alike; text starts at the largest of ⌊rows / 2⌋, ⌊columns / 2⌋.
    """
    grids = [target, *references]
    images = [
        image_ids(number, grid, grid.rows // 2 - grid.rows, grid.columns // 2 - grid.columns)
        for number, grid in enumerate(grids)
    ]
    start = max(max(grid.rows // 2, grid.columns // 2) for grid in grids)
    diagonal = torch.arange(start, start + text).float()
    return PositionIds(diagonal[:, None].repeat(1, 3), torch.cat(images))
