"""The scene that stands before the glass: another photograph or a pattern of the bank."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.blur.highlights import lift_table
from degradations.contract import Image, Params
from degradations.cues.shrink import shrink
from degradations.light import DECODE
from degradations.severity import logarithmic

#: The largest enlargement of the mirrored scene beyond filling the picture.
CLOSEST = 1.6


class Framing(Params):
    """Which part of the mirrored scene the picture holds. zoom: enlargement beyond filling it, at least 1. top, left:
    of the part, as shares of what it leaves. flipped: left for right, as a mirror does."""

    zoom: float
    top: float
    left: float
    flipped: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Framing:
        zoom = logarithmic(rng.uniform(), 1.0, CLOSEST)
        return cls(zoom=zoom, top=rng.uniform(), left=rng.uniform(), flipped=bool(rng.uniform() < 0.5))

    def cut(self, picture: Image, aspect: float) -> Image:
        """The part of `picture` (uint8 (h, w, 3)) whose width is `aspect` times its height, to the pixel."""
        rows, columns = picture.shape[:2]
        tall = min(rows, columns / aspect) / self.zoom
        height, width = max(1, round(tall)), max(1, min(columns, round(tall * aspect)))
        top, left = round(self.top * (rows - height)), round(self.left * (columns - width))
        part = picture[top : top + height, left : left + width]
        return np.ascontiguousarray(part[:, ::-1] if self.flipped else part)


def resized(picture: Image, height: int, width: int) -> Image:
    """`picture` (uint8 (h, w, 3)) at (height, width)."""
    if picture.shape[0] >= height and picture.shape[1] >= width:
        return shrink(picture, height, width)
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR))


def lit(picture: Image, highlight_gain: float) -> NDArray[np.float32]:
    """Linear light, float32, of a picture (uint8 (h, w, 3)), each channel above .85 lifted by up to `highlight_gain`:
    a lamp is brighter than a photograph's white (specification: degradations §0)."""
    return np.asarray(cv2.LUT(picture, (DECODE * lift_table(highlight_gain)).reshape(1, 256)))
