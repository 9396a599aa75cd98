"""What a degradation may know of the picture besides its pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from degradations.patterns.banks import Banks


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
class MaskCue:
    """The segments of a scene.

    labels: int32 (h, w), 0 to n - 1, each segment a number of its own; any resolution with the picture's aspect.
    provider, version: what computed it, for the trace.
    """

    labels: NDArray[np.int32]
    provider: str
    version: str


@dataclass(frozen=True)
class Scene:
    """height, width: of the picture, in pixels.

    depth, masks: present for `apply` when the drawn parameters need them; `draw` never reads them.
    partner: another photograph (uint8 (h, w, 3), sRGB, any size) that a pane of glass may mirror, if the plan has one.
    clip: frames around the picture when it was taken from a video, uint8 (n, height, width, 3), n odd, the picture in
    the middle.
    banks: the pattern banks that the recipe names.
    """

    height: int
    width: int
    depth: DepthCue | None = None
    masks: MaskCue | None = None
    partner: NDArray[np.uint8] | None = None
    clip: NDArray[np.uint8] | None = None
    banks: Banks = field(default_factory=Banks)

    @property
    def scale(self) -> float:
        """min(height, width) / 1024: lengths in pixels are specified for a short side of 1024 and scale with it."""
        return min(self.height, self.width) / 1024.0
