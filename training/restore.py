"""A whole picture through an editor: in one piece, or in overlapping ones that are blended smoothly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
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
from training.families.buckets import Size
from training.restoring.sizes import Passage, Place, SizeRule
from training.sampling import sample

#: Pieces sampled at once: at most so many, of so many pixels together.
_PIECES, _PIXELS = 16, 1024**2


def restore_image(
    editor: Editor,
    image: Pixels,
    prompt: str,
    steps: int | None = None,
    guidance: float | None = None,
    seed: int = 0,
    size: SizeRule | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Pixels:
    """The restored picture, uint8 (H, W, 3) like `image`, of any size from 1×1.

    Tiles of the training crop's side overlap by about a quarter and are blended under a smooth window, so that no
    position is new to the editor; they start from one field of noise. An editor trained on crops of pictures sees the
    whole one through its condition, another one what it works on. Equal arguments give equal pixels. The share of the
    change that validation chose for the prompt is applied (`EditorConfig.blend`).

    steps, guidance: of the sampler; None takes those that the editor's checkpoint was chosen with. seed: of the noise.
    size: see `SizeRule`; None takes the editor's own. report: called with the sampler steps taken so far and of all
    pieces.

    Raises ValueError for anything but a uint8 sRGB image.
    """
    check_image(image)
    height, width = image.shape[:2]
    steps = editor.config.steps if steps is None else steps
    guidance = editor.config.guidance if guidance is None else guidance
    passage = Passage.of(editor, height, width, size)
    padded = reflected(resized(image, passage.inner), *passage.padded)
    noise = _noise(editor, passage.padded, seed)
    window = _window(passage.piece)
    total = np.zeros(padded.shape, dtype=np.float32)
    weight = np.zeros((*padded.shape[:2], 1), dtype=np.float32)
    together = max(1, min(_PIECES, _PIXELS // (passage.piece.height * passage.piece.width)))
    groups = [passage.places[first : first + together] for first in range(0, len(passage.places), together)]
    for number, places in enumerate(groups):
        pieces = [padded[_area(place, passage.piece)] for place in places]
        restored = sample(
            editor,
            to_tensor(pieces),
            [Request(prompt, image if editor.config.fit == "crop" else piece) for piece in pieces],
            torch.stack([_noise_of(noise, place, passage) for place in places]),
            steps,
            guidance,
            _counted(report, number, len(groups), steps),
        )
        for place, piece in zip(places, restored.permute(0, 2, 3, 1).numpy(), strict=True):
            area = _area(place, passage.piece)
            total[area] += piece * window
            weight[area] += window
    whole = resized((total / weight * 255.0)[: passage.inner.height, : passage.inner.width], Size(height, width))
    share = np.float32(editor.config.blend.get(prompt, 1.0))
    return np.round(image + share * (whole - image)).clip(0, 255).astype(np.uint8)


def resized(image: NDArray[Any], size: Size) -> NDArray[Any]:
    """`image` (H, W, 3) at this size: area averages where it becomes smaller, else bicubic; itself where it has it."""
    if image.shape[:2] == size:
        return image
    smaller = size.height * size.width < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size.width, size.height), interpolation=method))


def _area(place: Place, piece: Size) -> tuple[slice, slice]:
    return slice(place.top, place.top + piece.height), slice(place.left, place.left + piece.width)


def _window(piece: Size) -> NDArray[np.float32]:
    """A raised cosine in both directions, positive everywhere, float32 (h, w, 1)."""
    down, across = (np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2 + 1e-3 for side in piece)
    return (down[:, None, None] * across[None, :, None]).astype(np.float32)


def _noise(editor: Editor, padded: Size, seed: int) -> Tensor:
    """The starting noise of the whole picture's latents (C, h, w): overlapping tiles start alike."""
    shape = editor.latent_shape(*padded)
    return torch.from_numpy(generator(seed, "restore").standard_normal(shape, dtype=np.float32))


def _noise_of(noise: Tensor, place: Place, passage: Passage) -> Tensor:
    """The part of the noise where a piece lies."""
    cell = passage.padded.height // noise.shape[1]
    rows, columns = _area(
        Place(place.top // cell, place.left // cell), Size(passage.piece.height // cell, passage.piece.width // cell)
    )
    return noise[:, rows, columns]


def _counted(
    report: Callable[[int, int], None] | None, group: int, groups: int, steps: int
) -> Callable[[int], None] | None:
    """A report of the steps of one group as one of all groups."""
    return None if report is None else lambda step: report(group * steps + step, groups * steps)
