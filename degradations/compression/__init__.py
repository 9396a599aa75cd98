"""Compression: one to four generations of codecs, resizes and crops."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from degradations.compression.generation import Generation
from degradations.contract import Degradation, Image, Params, pick
from degradations.resize import Interpolation, resize
from degradations.scene import Scene
from degradations.severity import LOOSE, ordered, position
from schemas.recipe.degradations import CompressionSection


class CompressionParams(Params):
    """generations: in order. interpolation: of the way back to the picture's size."""

    generations: tuple[Generation, ...]
    interpolation: Interpolation


class Compression(Degradation[CompressionParams]):
    """Generations of resize (p = .6), unsharp mask (.3), grid offset (.5) and codec, in sRGB.

    One to four generations (.35, .35, .2, .1), each at its own size; the last is brought back to the picture's size.
    Nothing shifts: resizes keep outer edges, and a grid offset pads by replicated rows and columns that are cut off
    after decoding, where a web crop would lose them. Codecs and their weights are the section's `modes`; ranges are
    in the docstrings of `coding`.
    """

    name: ClassVar[str] = "compression"
    task: ClassVar[str] = "compression"
    params_type: ClassVar[type[Params]] = CompressionParams

    def __init__(self, section: CompressionSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> CompressionParams:
        count = ordered(position(rng, severity, LOOSE), (1, 2, 3, 4), (0.35, 0.35, 0.2, 0.1))
        modes = self.section.modes.model_dump()
        generations = tuple(Generation.draw(rng, modes, scene, severity) for _ in range(count))
        interpolation = pick(rng, {"linear": 0.5, "cubic": 0.5})
        return CompressionParams.model_validate({"generations": generations, "interpolation": interpolation})

    def apply(self, image: Image, params: CompressionParams, scene: Scene) -> Image:
        size = image.shape[0], image.shape[1]
        for generation in params.generations:
            image = generation.apply(image)
        return np.ascontiguousarray(resize(image, size, params.interpolation), dtype=np.uint8)
