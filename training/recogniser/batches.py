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
from training.recogniser.written import Written

#: Megabytes of pictures that are held.
_CACHED = 6000


class Batch(NamedTuple):
    """tiles (n, 1, 6, s, s): one a picture, at a random place; wholes (n, 3, w, w); statistics (n, k).

    present (n, names + 1): 1 for each degradation, or for clean, last. severities (n, names): 0 where absent. All
    float32.
    """

    tiles: Tensor
    wholes: Tensor
    statistics: Tensor
    present: Tensor
    severities: Tensor


class Batches:
    """Batches of one set of examples. Each group (a degradation, clean, chains) has equal shares of every stretch."""

    def __init__(self, examples: Examples, config: RecogniserConfig, size: int, seed: int) -> None:
        self._config, self._size, self._seed = config, size, seed
        self._groups = list(examples.groups().values())
        self._written = Written(examples, seed, _CACHED)

    def __getitem__(self, step: int) -> Batch:
        """The batch of `step`."""
        return self.drawn(self._size, step)

    def drawn(self, size: int, *key: object) -> Batch:
        """`size` pictures by `key`, an integer or a name, mirrored or not; groups in turn."""
        names, side = self._config.names, self._config.tile
        rng = generator(self._seed, "recogniser", *key)
        first = int(rng.integers(len(self._groups)))
        tiles, wholes, statistics = [], [], []
        present = np.zeros((size, len(names) + 1), dtype=np.float32)
        severities = np.zeros((size, len(names)), dtype=np.float32)
        for row in range(size):
            group = self._groups[(first + row) % len(self._groups)]
            example = group[int(rng.integers(len(group)))]
            picture, measures = self._written[example]
            picture = np.ascontiguousarray(picture[:, :: -1 if rng.uniform() < 0.5 else 1])
            wholes.append(whole_of(picture, self._config.whole))
            statistics.append(measures)
            picture = padded(picture, side)
            top, left = (int(rng.integers(length - side + 1)) for length in picture.shape[:2])
            tiles.append(tile_at(picture, top, left, side)[None])
            for name, severity in example.severities.items():
                present[row, names.index(name)] = 1.0
                severities[row, names.index(name)] = severity
            present[row, -1] = not example.severities
        parts = (np.stack(tiles), np.stack(wholes), np.stack(statistics), present, severities)
        return Batch(*(torch.from_numpy(part) for part in parts))
