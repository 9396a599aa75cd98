"""Batches of views with what they show, by step alone: the same for every run of one seed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from degradations.rng import generator
from filters.recogniser.views import padded, tile_at, whole_of
from schemas.recogniser import RecogniserConfig
from training.recogniser.examples import Examples
from training.recogniser.rewriting import framed, rewritten

#: Random tiles of a picture in training; a scored one is shown more.
TILES = 2


class Batch(NamedTuple):
    """tiles (n, TILES, 6, s, s), wholes (n, 3, w, w); present (n, names + 1): 1 for each degradation, or for clean,
    last; severities (n, names), 0 where absent. All float32."""

    tiles: Tensor
    wholes: Tensor
    present: Tensor
    severities: Tensor


class Batches:
    """Batches of one set of examples. Each group (a degradation, clean, chains) has equal shares of every stretch."""

    def __init__(self, examples: Examples, config: RecogniserConfig, size: int, seed: int) -> None:
        self._examples, self._config, self._size, self._seed = examples, config, size, seed
        self._groups = list(examples.groups().values())

    def __getitem__(self, step: int) -> Batch:
        """The batch of `step`."""
        names, side = self._config.names, self._config.tile
        rng = generator(self._seed, "recogniser", step)
        tiles, wholes = [], []
        present = np.zeros((self._size, len(names) + 1), dtype=np.float32)
        severities = np.zeros((self._size, len(names)), dtype=np.float32)
        for row in range(self._size):
            group = self._groups[(step * self._size + row) % len(self._groups)]
            example = group[int(rng.integers(len(group)))]
            picture = rewritten(framed(self._examples.pixels(example), rng), rng)
            wholes.append(whole_of(picture, self._config.whole))
            picture = padded(picture, side)
            for _ in range(TILES):
                top, left = (int(rng.integers(length - side + 1)) for length in picture.shape[:2])
                tiles.append(tile_at(picture, top, left, side))
            for name, severity in example.severities.items():
                present[row, names.index(name)] = 1.0
                severities[row, names.index(name)] = severity
            present[row, -1] = not example.severities
        shaped = np.stack(tiles).reshape(self._size, TILES, *tiles[0].shape)
        return Batch(*(torch.from_numpy(part) for part in (shaped, np.stack(wholes), present, severities)))
