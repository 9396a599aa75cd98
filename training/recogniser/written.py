"""Examples as cameras and sites write them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degradations.rng import generator
from filters.recogniser.views import measures_of
from training.data.pairs import PixelCache
from training.recogniser.examples import Example, Examples
from training.recogniser.rewriting import framed, rewritten


class Written:
    """Pictures of examples, cropped and written, and their statistics, made when first asked for.

    Each in one way, keyed by seed and example: statistics take longer than the rest of a training step, so they are all
    kept. cached: megabytes of pictures that are held.
    """

    def __init__(self, examples: Examples, seed: int, cached: int) -> None:
        self._examples, self._seed, self._cache = examples, seed, PixelCache(cached)
        self._measured: dict[tuple[str, ...], NDArray[np.float32]] = {}

    def __getitem__(self, example: Example) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Pixels, uint8 (H, W, 3), and statistics, float32 (k,)."""
        place = (example.key, example.group)
        pixels = self._cache.get(place, lambda: self._made(example))
        if place not in self._measured:
            self._measured[place] = measures_of(pixels)
        return pixels, self._measured[place]

    def _made(self, example: Example) -> NDArray[np.uint8]:
        rng = generator(self._seed, "recogniser", example.key, example.group)
        return rewritten(framed(self._examples.pixels(example), rng), rng)
