"""Where light falls: fields that multiply linear light, made at a sixteenth of the picture's size."""

from __future__ import annotations

from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.contract import Params
from degradations.fractal import fractal_noise
from degradations.lowlight.lamp_light import LUMINANCE, lamp_colour
from degradations.rng import generator, pixel_seed
from degradations.severity import logarithmic

Light = NDArray[np.float32]

#: Pixels from node to node.
STEP = 16
#: Nodes a side of the fractal field before it is stretched.
_FRACTAL = 32


class Vignette(Params):
    """Light that falls off as 1/(1 + k·d²)² from (y, x), shares of height and width, to `corner` at half a diagonal."""

    kind: Literal["vignette"] = "vignette"
    centre: tuple[float, float]
    corner: float = Field(gt=0, le=1)

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Vignette:
        y, x = (float(v) for v in rng.uniform(0.3, 0.7, 2))
        return cls(centre=(y, x), corner=logarithmic(rng.uniform(), 0.08, 0.6))

    def light(self, height: int, width: int) -> NDArray[np.float64]:
        """At each node, (rows, columns, 3)."""
        k = self.corner**-0.5 - 1.0
        fall = (1.0 + k * _squared_distance(self.centre, height, width) * 4.0) ** -2.0
        return fall[:, :, None] * np.ones(3)


class Fractal(Params):
    """Patches: e^(deviation·n) of a Gaussian field n with the amplitude spectrum f^−exponent."""

    kind: Literal["fractal"] = "fractal"
    exponent: float
    deviation: float = Field(ge=0)
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Fractal:
        return cls(exponent=float(rng.uniform(1.4, 2.4)), deviation=float(rng.uniform(0.4, 1.0)), seed=pixel_seed(rng))

    def light(self, height: int, width: int) -> NDArray[np.float64]:
        """At each node, (rows, columns, 3)."""
        noise = fractal_noise(generator(self.seed), _FRACTAL, self.exponent)[: _FRACTAL // 2, : _FRACTAL // 2]
        rows, columns = _nodes(height), _nodes(width)
        wide = cv2.resize(noise, (columns, rows), interpolation=cv2.INTER_CUBIC).reshape(rows, columns)
        return np.exp(self.deviation * wide.astype(np.float64))[:, :, None] * np.ones(3)


class Lamp(Params):
    """place: (y, x) in shares of height and width. radius: of its pool of light, in diagonals. power: at its place, the
    surroundings' own light being `Lamps.ambient`."""

    place: tuple[float, float]
    radius: float = Field(gt=0)
    power: float = Field(gt=0)
    kelvin: float = Field(ge=1667, le=25000)


class Lamps(Params):
    """Ambient light plus power/(1 + (d/r)²) of 0-4 lamps at 2200-6500 K.

    adaptation: share, in stops, of the mean colour that the camera's automatic white balance takes away.
    """

    kind: Literal["lamps"] = "lamps"
    ambient: float = Field(gt=0)
    lamps: tuple[Lamp, ...]
    adaptation: float = Field(ge=0, le=1)

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Lamps:
        lamps = tuple(
            Lamp(
                place=(float(rng.uniform(-0.2, 0.8)), float(rng.uniform(-0.15, 1.15))),
                radius=logarithmic(rng.uniform(), 0.07, 0.5),
                power=logarithmic(rng.uniform(), 0.4, 2.0),
                kelvin=float(rng.uniform(2200.0, 6500.0)),
            )
            for _ in range(int(rng.integers(0, 5)))
        )
        ambient, adaptation = logarithmic(rng.uniform(), 0.02, 0.4), float(rng.uniform(0.4, 1.0))
        return cls(ambient=ambient, lamps=lamps, adaptation=adaptation)

    def light(self, height: int, width: int) -> NDArray[np.float64]:
        """At each node, (rows, columns, 3)."""
        light = np.full((_nodes(height), _nodes(width), 3), self.ambient)
        for lamp in self.lamps:
            pool = lamp.power / (1.0 + _squared_distance(lamp.place, height, width) / lamp.radius**2)
            light += pool[:, :, None] * lamp_colour(lamp.kelvin)
        mean = light.mean(axis=(0, 1))
        return light * (mean @ LUMINANCE / mean) ** self.adaptation


AnyField = Annotated[Vignette | Fractal | Lamps, Field(discriminator="kind")]
FIELDS: dict[str, type[Vignette] | type[Fractal] | type[Lamps]] = {
    "vignette": Vignette,
    "fractal": Fractal,
    "lamps": Lamps,
}


def illumination(field: Vignette | Fractal | Lamps, contrast: float, height: int, width: int) -> Light:
    """Relative light at the nodes of a picture of (height, width), float32 (rows, columns, 3), mean luminance 1.

    Node (i, j) lies on pixel (16i, 16j); the last ones lie outside. contrast: exponent of the field.
    """
    light = field.light(height, width) ** contrast
    return np.asarray(light / (light @ LUMINANCE).mean(), dtype=np.float32)


def _nodes(length: int) -> int:
    return (length - 1) // STEP + 2


def _squared_distance(place: tuple[float, float], height: int, width: int) -> NDArray[np.float64]:
    """Of each node from a place, in diagonals, (rows, columns)."""
    down = np.arange(_nodes(height)) * STEP - place[0] * height
    right = np.arange(_nodes(width)) * STEP - place[1] * width
    return np.asarray((down[:, None] ** 2 + right[None, :] ** 2) / (height**2 + width**2))
