"""Brush and canvas for procedural scenes in linear light."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.fractal import fractal_noise
from degradations.light import encode

Colour = NDArray[np.float32]
Points = Sequence[tuple[float, float]]

#: Linear RGB of light: candle and bulb, warm white, daylight, overcast and blue sky.
LIGHTS = np.array(
    [(1.0, 0.5, 0.18), (1.0, 0.68, 0.38), (1.0, 0.9, 0.76), (0.92, 0.97, 1.0), (0.62, 0.79, 1.0)], dtype=np.float32
)


class Canvas:
    """Linear light, float32 (size, size, 3), from black. Places are (x, y) in units of its side, from the top left."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.rng = rng
        self.size = size
        self.light = np.zeros((size, size, 3), dtype=np.float32)
        axis = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
        self.x, self.y = axis[None, :], axis[:, None]

    def noise(self, exponent: float, stretch: float = 1.0, angle: float = 0.0) -> NDArray[np.float32]:
        """Fractal noise of standard deviation 1, float32 (size, size)."""
        return fractal_noise(self.rng, self.size, exponent, stretch, angle)

    def light_colour(self, coolest: int = 4) -> Colour:
        """The colour of a lamp or of the day, somewhere between two of LIGHTS."""
        first = int(self.rng.integers(coolest))
        share = np.float32(self.rng.uniform())
        return LIGHTS[first] + share * (LIGHTS[first + 1] - LIGHTS[first])

    def surface_colour(self, darkest: float = 0.03, brightest: float = 0.5) -> Colour:
        """The colour of paint, cloth or stone: mostly muted."""
        level = np.exp(self.rng.uniform(np.log(darkest), np.log(brightest)))
        hue = np.exp(self.rng.normal(0.0, self.rng.choice([0.06, 0.18, 0.45], p=[0.5, 0.38, 0.12]), 3))
        return np.asarray(level * hue / hue.mean(), dtype=np.float32)

    def mask(self, points: Points, soft: float = 0.0) -> NDArray[np.float32]:
        """Coverage of a polygon, float32 (size, size); `soft` is the σ of its edge."""
        plane = np.zeros((self.size, self.size), dtype=np.uint8)
        corners = np.round(np.clip(np.array(points), -4.0, 5.0) * self.size * 16).astype(np.int32)
        cv2.fillPoly(plane, [corners.reshape(-1, 1, 2)], 255, cv2.LINE_AA, 4)
        if soft * self.size > 0.3:
            plane = np.asarray(cv2.GaussianBlur(plane, (0, 0), soft * self.size))
        return plane.astype(np.float32) / np.float32(255.0)

    def cover(self, coverage: NDArray[np.float32], colour: NDArray[np.float32]) -> None:
        """Lays a colour, float32 (3,) or (size, size, 3), over what is there."""
        self.light += coverage[:, :, None] * (colour - self.light)

    def polygon(self, points: Points, colour: Colour, soft: float = 0.0) -> None:
        self.cover(self.mask(points, soft), colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, soft: float = 0.0) -> None:
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour, soft)

    def disc(self, x: float, y: float, radius: float, colour: Colour, soft: float = 0.0, tall: float = 1.0) -> None:
        """An ellipse, `tall` times as high as wide."""
        angles = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
        points = [(x + radius * float(np.cos(a)), y + radius * tall * float(np.sin(a))) for a in angles]
        self.polygon(points, colour, soft)

    def glow(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Adds the light that a lamp throws around it: falls with the square of the distance."""
        squared = (self.x - np.float32(x)) ** 2 + (self.y - np.float32(y)) ** 2
        self.light += (np.float32(1.0) / (np.float32(1.0) + squared / np.float32(radius**2)))[:, :, None] * colour

    def gradient(self, top: Colour, bottom: Colour) -> NDArray[np.float32]:
        """From one colour to another down the canvas, float32 (size, size, 3)."""
        field = top + self.y[:, :, None] * (bottom - top)
        return np.asarray(np.broadcast_to(field, self.light.shape), dtype=np.float32)

    def finish(self) -> Image:
        """The canvas as an sRGB picture, uint8 (size, size, 3), its surfaces worn by a little texture."""
        texture = np.exp(np.float32(0.08) * self.noise(1.2))[:, :, None]
        return encode(self.light * texture)
