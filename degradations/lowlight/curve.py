"""Low light by a curve: brightness attenuation and gamma, as RealRestorer (2026) makes it."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from pydantic import Field

from degradations.contract import Image, Params
from degradations.severity import linear, position

#: Factor on brightness and exponent, mildest and worst.
BRIGHTNESS, GAMMA = (0.92, 0.3), (1.05, 3.0)


class GammaDark(Params):
    """v → brightness·v^gamma on sRGB values in [0, 1]: brightness U(.3, .92), gamma U(1.05, 3)."""

    mode: Literal["gamma"] = "gamma"
    brightness: float = Field(gt=0, le=1)
    gamma: float = Field(ge=1)

    @classmethod
    def draw(cls, rng: np.random.Generator, severity: float) -> GammaDark:
        return cls(
            brightness=linear(position(rng, severity), *BRIGHTNESS), gamma=linear(position(rng, severity), *GAMMA)
        )

    def table(self) -> Image:
        """The code of each code, uint8 (256,)."""
        values = self.brightness * (np.arange(256) / 255.0) ** self.gamma
        return np.floor(values * 255.0 + 0.5).astype(np.uint8)

    def apply(self, image: Image) -> Image:
        return np.asarray(cv2.LUT(np.ascontiguousarray(image), self.table()), dtype=np.uint8)
