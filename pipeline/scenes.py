"""The scene of a photograph: its size and the cues that the degradations need."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degradations.cues.depth import estimate_depth
from degradations.scene import Scene
from schemas.trace import Cue


def scene_of(image: NDArray[np.uint8], needs: frozenset[str]) -> Scene:
    """The scene of `image` (uint8 (H, W, 3), sRGB) with the cues named in `needs` ("depth")."""
    depth = estimate_depth(image) if "depth" in needs else None
    return Scene(height=image.shape[0], width=image.shape[1], depth=depth)


def trace_cues(scene: Scene) -> list[Cue]:
    """The cues of a scene with their providers, for the trace."""
    if scene.depth is None:
        return []
    return [Cue(name="depth", provider=scene.depth.provider, version=scene.depth.version)]
