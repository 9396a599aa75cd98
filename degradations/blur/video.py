"""Blur of a real exposure: the mean of neighbouring frames of a video."""

from __future__ import annotations

from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.blur.highlights import lift_table
from degradations.contract import Image, Params
from degradations.light import DECODE, encode
from degradations.scene import Scene

Float = NDArray[np.float32]

#: Frames that are averaged at severity 0 and 1.
FRAMES = (7, 31)


class VideoParams(Params):
    """frames: how many are averaged, odd, the picture in the middle."""

    mode: Literal["video"] = "video"
    frames: int = Field(ge=1)


def draw_video(rng: np.random.Generator, scene: Scene, q: float) -> VideoParams:
    """7 to 31 frames by quantile `q`, as many as the clip has. Raises ValueError in a scene without a clip."""
    if scene.clip is None:
        raise ValueError("blur.modes.video needs a clip; give another mode of blur a weight for photographs")
    half = round(FRAMES[0] // 2 + q * (FRAMES[1] // 2 - FRAMES[0] // 2))
    return VideoParams(frames=2 * min(half, scene.clip.shape[0] // 2) + 1)


@numba.njit(cache=True, nogil=True)
def _add(frame: Image, decode: Float, lift: Float, out: Float) -> None:
    for i in range(frame.shape[0]):
        red, green, blue = frame[i, 0], frame[i, 1], frame[i, 2]
        factor = lift[max(red, max(green, blue))]
        out[i, 0] += decode[red] * factor
        out[i, 1] += decode[green] * factor
        out[i, 2] += decode[blue] * factor


def averaged(clip: NDArray[np.uint8], frames: int, gain: float) -> Image:
    """The mean in linear light of the middle `frames` of `clip` (uint8 (n, H, W, 3)); gain: of blown highlights."""
    middle, half = clip.shape[0] // 2, frames // 2
    total = np.zeros((clip.shape[1] * clip.shape[2], 3), dtype=np.float32)
    window = clip[middle - half : middle + half + 1]
    for frame in window:
        _add(np.ascontiguousarray(frame).reshape(-1, 3), DECODE, lift_table(gain), total)
    mean = np.asarray(total / np.float32(len(window)), dtype=np.float32)
    return encode(mean.reshape(clip.shape[1:]))
