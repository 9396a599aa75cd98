"""Examples as cameras and sites write them, a few ways each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degradations.rng import generator
from filters.recogniser.views import measures_of
from training.data.pairs import PixelCache
from training.recogniser.examples import Example, Examples
from training.recogniser.rewriting import framed, rewritten

#: Ways in which each picture is cropped and written: few, because its statistics take longer than a training step.
VARIANTS = 2


class Variants:
    """Pictures and statistics of the variants of examples, made when first asked for; statistics are all kept.

    cached: megabytes of pictures that are held. seed: with an example's key, what its variants are made of.
    """

    def __init__(self, examples: Examples, seed: int, cached: int) -> None:
        self._examples, self._seed, self._cache = examples, seed, PixelCache(cached)
        self._measured: dict[tuple[str, ...], NDArray[np.float32]] = {}

    def get(self, example: Example, variant: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Variant 0 to VARIANTS − 1 of an example: pixels, uint8 (H, W, 3), and statistics, float32 (k,)."""
        place = (example.key, example.group, str(variant))
        pixels = self._cache.get(place, lambda: self._made(example, variant))
        if place not in self._measured:
            self._measured[place] = measures_of(pixels)
        return pixels, self._measured[place]

    def _made(self, example: Example, variant: int) -> NDArray[np.uint8]:
        rng = generator(self._seed, "recogniser", example.key, example.group, variant)
        return rewritten(framed(self._examples.pixels(example), rng), rng)
