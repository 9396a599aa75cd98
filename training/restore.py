"""A whole picture through an editor: overlapping tiles of the size it was trained on, blended smoothly."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degradations.contract import check_image
from degradations.rng import generator
from training.data.batches import to_tensor
from training.data.crops import reflected
from training.data.pairs import Pixels
from training.editors.base import Editor, Request
from training.sampling import sample

#: Tiles sampled at once.
_TILES = 16


def restore_image(editor: Editor, image: Pixels, prompt: str, steps: int | None = None) -> Pixels:
    """The restored picture, uint8 (H, W, 3) like `image`, of any size from 1×1.

    Tiles of the training crop's side overlap by a quarter at least and are blended under a smooth window, so that no
    position is new to the editor; each tile knows the whole picture through its condition. Equal arguments give equal
    pixels. The share of the change that validation chose for the prompt is applied (`EditorConfig.blend`).
    steps: of the sampler; None takes the number that the editor's checkpoint was chosen with.

    Raises ValueError for anything but a uint8 sRGB image.
    """
    check_image(image)
    height, width = image.shape[:2]
    side = editor.config.crop
    padded = reflected(image, side, side)
    corners = [(top, left) for top in _starts(padded.shape[0], side) for left in _starts(padded.shape[1], side)]
    noise = _noise(padded.shape[0], padded.shape[1])
    window = _window(side)
    total = np.zeros(padded.shape, dtype=np.float32)
    weight = np.zeros((*padded.shape[:2], 1), dtype=np.float32)
    for first in range(0, len(corners), _TILES):
        squares = [np.s_[top : top + side, left : left + side] for top, left in corners[first : first + _TILES]]
        restored = sample(
            editor,
            to_tensor([padded[square] for square in squares]),
            [Request(prompt, image)] * len(squares),
            torch.stack([noise[:, rows, columns] for rows, columns in squares]),
            editor.config.steps if steps is None else steps,
        )
        for square, tile in zip(squares, restored.permute(0, 2, 3, 1).numpy(), strict=True):
            total[square] += tile * window
            weight[square] += window
    whole = (total / weight * 255.0)[:height, :width]
    share = np.float32(editor.config.blend.get(prompt, 1.0))
    return np.round(image + share * (whole - image)).clip(0, 255).astype(np.uint8)


def _starts(length: int, side: int) -> list[int]:
    """First pixels of the fewest evenly spread tiles of `side` covering `length` that overlap by a quarter or more."""
    count = 1 + -(-(length - side) // (side - side // 4))
    return [round(index * (length - side) / max(count - 1, 1)) for index in range(count)]


def _window(side: int) -> NDArray[np.float32]:
    """A raised cosine in both directions, positive everywhere, float32 (side, side, 1)."""
    line = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2 + 1e-3
    return (line[:, None, None] * line[None, :, None]).astype(np.float32)


def _noise(height: int, width: int) -> Tensor:
    """The starting noise of the whole picture (3, H, W): overlapping tiles start alike."""
    return torch.from_numpy(generator(0, "restore").standard_normal((3, height, width), dtype=np.float32))
