"""One generation of a picture's life on the web: resized, sharpened, cut off the block grid, encoded."""

from __future__ import annotations

import cv2
import numpy as np

from degradations.compression.coding import Coding, draw_coding
from degradations.contract import Image, Params, pick
from degradations.resize import Interpolation, resize, scaled
from degradations.scene import Scene
from degradations.severity import LOOSE, TIGHT, linear, ordered, position

_LONG_EDGES = (2048, 1600, 1280, 1080, 960, 720, 640)


class Unsharp(Params):
    """Unsharp mask: Gaussian σ U(.6, 2) px, amount U(.3, 1.2)."""

    sigma: float
    amount: float


class Generation(Params):
    """What one upload does to a picture.

    long_edge: size in px to which it is shrunk (p = .6), one of 640-2048 times the scene's scale; a smaller picture
    stays as it is, since sites do not enlarge. unsharp: p = .3.
    offset: rows and columns (0-7) by which the picture starts inside its first block (p = .5). coding: the codec.
    """

    long_edge: int | None
    interpolation: Interpolation
    unsharp: Unsharp | None
    offset: tuple[int, int]
    coding: Coding

    @classmethod
    def draw(cls, rng: np.random.Generator, modes: dict[str, float], scene: Scene, severity: float) -> Generation:
        long_edge = None
        if rng.random() < 0.6:
            long_edge = max(1, round(ordered(position(rng, severity, LOOSE), _LONG_EDGES) * scene.scale))
        interpolation = pick(rng, {"area": 0.5, "linear": 0.25, "cubic": 0.25})
        unsharp = None
        if rng.random() < 0.3:
            amount = linear(position(rng, severity, LOOSE), 0.3, 1.2)
            unsharp = Unsharp(sigma=float(rng.uniform(0.6, 2.0)), amount=amount)
        offset = (0, 0)
        if rng.random() < 0.5:
            offset = (int(rng.integers(0, 8)), int(rng.integers(0, 8)))
        coding = draw_coding(rng, modes, position(rng, severity, TIGHT))
        return cls.model_validate(
            {
                "long_edge": long_edge,
                "interpolation": interpolation,
                "unsharp": unsharp,
                "offset": offset,
                "coding": coding,
            }
        )

    def apply(self, image: Image) -> Image:
        """The picture after this generation, at this generation's size."""
        size = image.shape[0], image.shape[1]
        if self.long_edge is not None and self.long_edge < max(size):
            image = np.asarray(resize(image, scaled(size, self.long_edge / max(size)), self.interpolation), np.uint8)
        if self.unsharp is not None:
            blurred = cv2.GaussianBlur(image, (0, 0), self.unsharp.sigma)
            image = np.asarray(
                cv2.addWeighted(image, 1.0 + self.unsharp.amount, blurred, -self.unsharp.amount, 0.0), np.uint8
            )
        top, left = self.offset
        if top or left:
            padded = cv2.copyMakeBorder(image, top, 0, left, 0, cv2.BORDER_REPLICATE)
            image = np.ascontiguousarray(self.coding.apply(padded)[top:, left:])
        else:
            image = self.coding.apply(np.ascontiguousarray(image))
        return image
