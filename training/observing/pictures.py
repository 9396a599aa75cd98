"""Validation pictures as one sheet: before, after, clean."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from evaluation.sheet import labelled_grid

#: Side of a picture on the sheet, at most, in pixels.
_SIDE = 384


def sheet(
    before: Sequence[Tensor], after: Sequence[Tensor], clean: Sequence[Tensor], captions: Sequence[str]
) -> NDArray[np.uint8]:
    """A row a sample, its caption above it: uint8 (H, W, 3). Pictures are float (3, h, w) in [0, 1], of any sizes.

    Large ones are made small. Raises ValueError when there is none.
    """
    rows = [[_cell(picture) for picture in sample] for sample in zip(before, after, clean, strict=True)]
    sizes = [cell.shape[:2] for row in rows for cell in row]
    height, width = (max((size[axis] for size in sizes), default=0) for axis in (0, 1))
    framed = [[_framed(cell, height, width) for cell in row] for row in rows]
    return labelled_grid(list(zip(captions, framed, strict=True)), ("before", "after", "clean"))


def _cell(picture: Tensor) -> NDArray[np.uint8]:
    pixels = (picture.detach().float().clamp(0.0, 1.0) * 255.0).round().byte().permute(1, 2, 0).cpu().numpy()
    factor = min(1.0, _SIDE / max(pixels.shape[:2]))
    if factor == 1.0:
        return np.ascontiguousarray(pixels)
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _framed(cell: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """`cell` in the upper left corner of a white picture of this size."""
    below, right = height - cell.shape[0], width - cell.shape[1]
    return np.pad(cell, ((0, below), (0, right), (0, 0)), constant_values=255)
