"""The recipe of reflection."""

from typing import Self

from pydantic import model_validator

from schemas.recipe.degradations.modes import Modes
from schemas.recipe.section import Section, Weight


class ReflectionModes(Modes):
    """How the reflected scene shows (specification: degradations §7): 30% sharp, 70% out of focus. learned: mixed by a
    network, which needs its weights."""

    focused: Weight = 0.2
    defocused: Weight = 0.47
    ghosting: Weight = 0.18
    double_glazing: Weight = 0.15
    learned: Weight = 0.0


class ReflectionSection(Section):
    """Reflection: a second scene in a pane of glass before the picture.

    partners: mirror other photographs of the source set (of the other subject where subjects are known: a portrait
    mirrors a scene, a scene a portrait); such a sample depends on the sources that were planned with it. Else, and
    where there are none, patterns of the bank. weights: safetensors file of the network of the learned mode (layout:
    degradations/reflection/weights.py).
    """

    weight: Weight = 1.0
    partners: bool = False
    modes: ReflectionModes = ReflectionModes()
    weights: str | None = None

    @model_validator(mode="after")
    def _learned_has_weights(self) -> Self:
        if self.modes.learned > 0 and self.weights is None:
            raise ValueError("the mode learned needs `weights`, a safetensors file; name one or set modes.learned to 0")
        return self
