"""Darkness and haze, in sRGB."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from degradations.contract import Image, Params, pick
from degradations.haze.optics import distance
from degradations.hsv import with_value
from degradations.quantise import to_codes
from degradations.scene import Scene
from degradations.severity import linear, ordered

#: Nearest over farthest distance, to read relative depth as distance.
_NEAREST = 0.05


class Dark(Params):
    """On HSV's value: minus 30-49, or to the power 1/γ with γ U(.5, .7), or stretched onto 0 to 100-149; each as often.

    amount: the shift, γ, or the new maximum.
    """

    mode: Literal["dark"] = "dark"
    kind: Literal["shift", "gamma", "maximum"]
    amount: float

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Dark:
        kind = pick(rng, {"shift": 1.0, "gamma": 1.0, "maximum": 1.0})
        match kind:
            case "shift":
                return cls(kind="shift", amount=ordered(quantile, range(30, 50)))
            case "gamma":
                return cls(kind="gamma", amount=linear(quantile, 0.7, 0.5))
            case _:
                return cls(kind="maximum", amount=ordered(quantile, range(149, 99, -1)))

    def apply(self, image: Image, scene: Scene) -> Image:
        codes = np.arange(256, dtype=np.float64)
        match self.kind:
            case "shift":
                return with_value(image, codes - self.amount)
            case "gamma":
                return with_value(image, 255.0 * (codes / 255.0) ** (1.0 / self.amount))
            case "maximum":
                value = image.max(axis=2)
                low, high = float(value.min()), float(value.max())
                return with_value(image, (codes - low) / max(high - low, 1.0) * self.amount)


class Haze(Params):
    """I = J·t + A·(1 − t), t = e^−βd, d the distance over the farthest; A U(.7, 1), β U(.6, 1.8)."""

    mode: Literal["haze"] = "haze"
    airlight: float
    beta: float

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Haze:
        return cls(airlight=float(rng.uniform(0.7, 1.0)), beta=linear(quantile, 0.6, 1.8))

    def apply(self, image: Image, scene: Scene) -> Image:
        """Raises ValueError where the scene has no depth."""
        if scene.depth is None:
            raise ValueError("haze needs the scene's depth; give Scene(depth=estimate_depth(image))")
        away = np.maximum(distance(scene.depth.disparity, _NEAREST, 1.0, 1.0), scene.depth.sky)
        size = image.shape[1], image.shape[0]
        clear = cv2.resize(np.exp(np.float32(-self.beta) * away), size, interpolation=cv2.INTER_LINEAR)[..., None]
        return to_codes(image * clear + np.float32(255.0 * self.airlight) * (np.float32(1.0) - clear))
