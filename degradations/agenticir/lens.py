"""Motion and defocus."""

from __future__ import annotations

from typing import Literal

import numpy as np

from degradations.classic import disc_kernel, filtered, motion_kernel
from degradations.contract import Image, Params
from degradations.scene import Scene
from degradations.severity import ordered


class Motion(Params):
    """(radius, σ) px of {(10, 3), (15, 5), (15, 8)}; angle U(−90, 90)°."""

    mode: Literal["motion"] = "motion"
    radius: int
    sigma: float
    angle: float

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Motion:
        radius, sigma = ordered(quantile, ((10, 3.0), (15, 5.0), (15, 8.0)))
        return cls(radius=radius, sigma=sigma, angle=float(rng.uniform(-90.0, 90.0)))

    def apply(self, image: Image, scene: Scene) -> Image:
        return filtered(image, motion_kernel(self.radius, self.sigma, self.angle))


class Defocus(Params):
    """(radius, softness of the rim) px of {(3, .1), (4, .5), (6, .5)}."""

    mode: Literal["defocus"] = "defocus"
    radius: int
    rim: float

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Defocus:
        radius, rim = ordered(quantile, ((3, 0.1), (4, 0.5), (6, 0.5)))
        return cls(radius=radius, rim=rim)

    def apply(self, image: Image, scene: Scene) -> Image:
        return filtered(image, disc_kernel(self.radius, self.rim))
