"""A small convolutional recogniser of degradations: what `realism.py` trains, equal for every synthesis."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Image = NDArray[np.uint8]

#: Side of the tile at native resolution, where noise and blur show, and of the whole picture, where haze and rain do.
TILE, WHOLE = 160, 160


def _block(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


def _branch(channels: int) -> nn.Sequential:
    stem = nn.Sequential(
        nn.Conv2d(channels, 24, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(24), nn.ReLU(inplace=True)
    )
    return nn.Sequential(stem, _block(24, 32), _block(32, 64), _block(64, 96), _block(96, 128))


class Recogniser(nn.Module):
    """Two branches, a tile at native resolution and the whole picture small; mean and maximum of each; one layer.

    The tile comes with its residual after a 3×3 median, ×4, in which noise and edges stand out. About .4 M parameters.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.tile, self.whole = _branch(6), _branch(3)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(512, classes))

    def forward(self, tile: Tensor, whole: Tensor) -> Tensor:
        """Logits (n, classes) of tiles (n, 6, TILE, TILE) and wholes (n, 3, WHOLE, WHOLE)."""
        features = []
        for branch, picture in ((self.tile, tile), (self.whole, whole)):
            planes = branch(picture)
            features += [planes.mean((2, 3)), planes.amax((2, 3))]
        return self.head(torch.cat(features, 1))


def _tensor(image: Image) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float().div_(255).sub_(0.5)


def tile_at(image: Image, top: int, left: int) -> Tensor:
    """The tile of `image` (sides ≥ TILE) with its residual, (6, TILE, TILE)."""
    cut = np.ascontiguousarray(image[top : top + TILE, left : left + TILE])
    residual = cut.astype(np.float32) - cv2.medianBlur(cut, 3)
    fine = torch.from_numpy(residual.transpose(2, 0, 1).copy()).mul_(4 / 255).clamp_(-1, 1)
    return torch.cat([_tensor(cut), fine])


def whole_of(image: Image) -> Tensor:
    """The whole picture at WHOLE×WHOLE, (3, WHOLE, WHOLE)."""
    return _tensor(np.asarray(cv2.resize(image, (WHOLE, WHOLE), interpolation=cv2.INTER_AREA), dtype=np.uint8))


def padded(image: Image) -> Image:
    """`image` mirrored where a side is shorter than TILE."""
    down, right = max(0, TILE - image.shape[0]), max(0, TILE - image.shape[1])
    if not down and not right:
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_REFLECT), dtype=np.uint8)


def train(
    pictures: list[list[Image]], steps: int, batch: int, seed: int, progress: Callable[[int, float], None]
) -> Recogniser:
    """A recogniser trained on `pictures` by class: equal shares, random tiles and flips, one-cycle Adam."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = Recogniser(len(pictures)).train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    for step in range(steps):
        warm = min(1.0, (step + 1) / (0.1 * steps))
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * warm * 0.5 * (1 + math.cos(math.pi * step / steps))
        labels, tiles, wholes = [], [], []
        for number in range(batch):
            label = (step * batch + number) % len(pictures)
            image = padded(pictures[label][int(rng.integers(len(pictures[label])))])
            if rng.random() < 0.5:
                image = np.ascontiguousarray(image[:, ::-1])
            top = int(rng.integers(image.shape[0] - TILE + 1))
            left = int(rng.integers(image.shape[1] - TILE + 1))
            labels.append(label)
            tiles.append(tile_at(image, top, left))
            wholes.append(whole_of(_cropped(image, rng)))
        loss = functional.cross_entropy(
            model(torch.stack(tiles), torch.stack(wholes)), torch.tensor(labels), label_smoothing=0.05
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        progress(step + 1, float(loss.detach()))
    return model.eval()


def _cropped(image: Image, rng: np.random.Generator) -> Image:
    """At least 70 % of each side."""
    height, width = image.shape[:2]
    h, w = int(height * rng.uniform(0.7, 1)), int(width * rng.uniform(0.7, 1))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    return image[top : top + h, left : left + w]


@torch.no_grad()
def recognise(model: Recogniser, image: Image) -> int:
    """The class of one picture of any size: mean log-probability over nine tiles and two flips."""
    image = padded(image)
    total = torch.zeros(())
    for picture in (image, np.ascontiguousarray(image[:, ::-1])):
        tops = np.linspace(0, picture.shape[0] - TILE, 3).astype(int)
        lefts = np.linspace(0, picture.shape[1] - TILE, 3).astype(int)
        tiles = torch.stack([tile_at(picture, int(top), int(left)) for top in tops for left in lefts])
        wholes = whole_of(picture)[None].expand(len(tiles), -1, -1, -1)
        total = total + model(tiles, wholes).log_softmax(1).mean(0)
    return int(total.argmax())
