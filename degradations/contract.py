"""The contract of every degradation: draw parameters first, make pixels second."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from degradations.scene import Scene

Image = NDArray[np.uint8]


class Params(BaseModel):
    """Drawn parameters: frozen, plain JSON, and all that `apply` needs besides image and scene."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=Params)


class Degradation(ABC, Generic[P]):
    """One degradation.

    An instance holds its recipe section, which only `draw` reads: `apply` sees image, params and scene alone, so a
    trace replays without the recipe.
    """

    #: Name in recipes, ledgers and traces.
    name: ClassVar[str]
    #: Task whose prompt undoes it (a key of `schemas.tasks.TASKS`).
    task: ClassVar[str]
    #: The class of its parameters, to read them back from a trace.
    params_type: ClassVar[type[Params]]

    @abstractmethod
    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> P:
        """Parameters for a scene at `severity` in [0, 1], 0 barely visible, 1 severe. Reads no pixels."""

    def needs(self, params: P) -> frozenset[str]:
        """What `apply` reads from the scene with these parameters: "depth", "masks", "patterns.KIND", "partner"."""
        return frozenset()

    @abstractmethod
    def apply(self, image: Image, params: P, scene: Scene) -> Image:
        """A degraded copy of `image` (uint8 (H, W, 3), sRGB), of equal shape and dtype. No randomness."""


def pick(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """One of the names, with probability proportional to its weight."""
    names = list(weights)
    values = np.array([weights[name] for name in names], dtype=np.float64)
    return names[int(rng.choice(len(names), p=values / values.sum()))]


def check_image(image: Any) -> None:
    """Raises ValueError unless `image` is a uint8 array (H, W, 3) with at least one pixel."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        shape, dtype = getattr(image, "shape", None), getattr(image, "dtype", type(image).__name__)
        raise ValueError(f"image must be uint8 (H, W, 3) in sRGB, got {dtype} {shape}; convert it first")
    if image.size == 0:
        raise ValueError(f"image has no pixels: shape {image.shape}")
