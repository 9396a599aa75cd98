"""What a degradation may know of the picture besides its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DepthCue:
    """Relative depth of a scene.

    disparity: float32 (h, w), 1 nearest, 0 farthest; any resolution with the picture's aspect.
    sky: float32 (h, w) in [0, 1], 1 where the pixel is sky.
    provider, version: what computed it, for the trace.
    """

    disparity: NDArray[np.float32]
    sky: NDArray[np.float32]
    provider: str
    version: str


@dataclass(frozen=True)
class Scene:
    """height, width: of the picture, in pixels. depth: present when a degradation of the chain `needs` it."""

    height: int
    width: int
    depth: DepthCue | None = None

    @property
    def scale(self) -> float:
        """min(height, width) / 1024: lengths in pixels are specified for a short side of 1024 and scale with it."""
        return min(self.height, self.width) / 1024.0
