"""The distortions of DepictQA (You et al. 2024): 12 classes, 35 functions, levels 1-5."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from degradations.contract import Degradation, Image, Params, pick
from degradations.depictqa.figures import CLASSES, FIGURES, FOLLOWERS
from degradations.depictqa.functions import FUNCTIONS
from degradations.rng import pixel_seed
from degradations.scene import Scene
from degradations.severity import position
from schemas.recipe.chains import level_of
from schemas.recipe.degradations import DepictQASection

#: Levels of a picture with two distortions: 1 to this.
_LEVELS_OF_TWO = 3


class Distortion(Params):
    """function: a mode of the recipe. level: 1-5, and its figures. angle: of motion, degrees. seed: of its noise."""

    function: str
    level: int = Field(ge=1, le=5)
    figures: tuple[float, ...]
    angle: float
    seed: int


class DepictQAParams(Params):
    """One distortion, or two in this order."""

    distortions: tuple[Distortion, ...]


class DepictQA(Degradation[DepictQAParams]):
    """One of DepictQA's 35 functions, in sRGB and in the picture's own pixels.

    The level is the fifth of severity: 1 below .2, 5 from .8 on. With the section's `multiple` as probability there
    are two, of classes that go together, each at level 1-3 drawn with severity; classes are equally frequent, functions
    by their modes. Motion blur, glass and jitter are centred, where the originals move the picture.
    """

    name: ClassVar[str] = "depictqa"
    task: ClassVar[str] = "mixed"
    params_type: ClassVar[type[Params]] = DepictQAParams

    def __init__(self, section: DepictQASection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> DepictQAParams:
        level = level_of(severity)
        modes = self.section.modes.model_dump()
        pairs = _pairs(modes)
        if pairs and rng.random() < self.section.multiple:
            classes = pairs[int(rng.integers(len(pairs)))]
            levels = [level_of(position(rng, severity), _LEVELS_OF_TWO) for _ in classes]
            chosen = [pick(rng, {name: modes[name] for name in CLASSES[of]}) for of in classes]
            drawn = zip(chosen, levels, strict=True)
        else:
            drawn = zip([pick(rng, modes)], [level], strict=True)
        return DepictQAParams(distortions=tuple(_distortion(rng, name, at) for name, at in drawn))

    def apply(self, image: Image, params: DepictQAParams, scene: Scene) -> Image:
        for one in params.distortions:
            image = FUNCTIONS[one.function](np.ascontiguousarray(image), one.figures, one.angle, one.seed)
        return image


def _distortion(rng: np.random.Generator, function: str, level: int) -> Distortion:
    return Distortion(
        function=function,
        level=level,
        figures=FIGURES[function][level - 1],
        angle=float(rng.uniform(-90.0, 90.0)),
        seed=pixel_seed(rng),
    )


def _pairs(modes: dict[str, float]) -> list[tuple[str, str]]:
    """The ordered pairs of compatible classes of which some function is on."""
    on = {of for of, functions in CLASSES.items() if any(modes[function] > 0 for function in functions)}
    return [(first, second) for first, others in FOLLOWERS.items() for second in others if {first, second} <= on]
