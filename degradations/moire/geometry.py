"""Where on the screen each sensor pixel looks."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Params
from degradations.rng import pixel_seed

Float = NDArray[np.float32]

#: Sensor pixels between the nodes on which positions are computed; between them they are interpolated linearly.
STEP = 4


class View(Params):
    """How a screen is photographed. density: screen pixels per sensor pixel, ρ. tilt_x, tilt_y, roll: degrees.

    distortion: radial, k₁ of the picture's half side. bend: of the screen's surface, screen pixels, a smooth field of
    this seed. origin: screen pixels.
    """

    density: float
    tilt_x: float
    tilt_y: float
    roll: float
    distortion: float
    bend: float
    bend_seed: int
    origin: tuple[float, float]

    @classmethod
    def draw(cls, rng: np.random.Generator, side: int, decimation: float) -> View:
        """A view whose fringes show in a picture of `side` sensor pixels, of which every `decimation`-th is kept.

        In .85 of the draws the screen's frequency lies 4-80 waves a side (log-uniform, in any direction) from one that
        the sensor cannot tell from none: ½ of its colour filters, or 2/3 of a decimation by 1.5. Otherwise ρ is uniform
        in [.35, .9] and the roll ±15°. Tilts N(0, 2.5°) within ±20°, k₁ N(0, .01) within ±.1, bend .2-3 (log-uniform).

        The specification's ρ, roll and tilt alone make fringes of hundreds of waves, or show them in a corner only.
        """
        if rng.uniform() < 0.85:
            blind = 2 / 3 if decimation == 1.5 and rng.uniform() < 0.6 else 0.5
            beat = math.exp(rng.uniform(math.log(4.0), math.log(80.0))) / side
            angle = rng.uniform(0.0, 2.0 * math.pi)
            along, across = blind + beat * math.cos(angle), beat * math.sin(angle)
            density, roll = math.hypot(along, across), math.degrees(math.atan2(across, along))
        else:
            density, roll = rng.uniform(0.35, 0.9), rng.uniform(-15.0, 15.0)
        return cls(
            density=density,
            tilt_x=float(np.clip(rng.normal(0.0, 2.5), -20.0, 20.0)),
            tilt_y=float(np.clip(rng.normal(0.0, 2.5), -20.0, 20.0)),
            roll=roll,
            distortion=float(np.clip(rng.normal(0.0, 0.01), -0.1, 0.1)),
            bend=math.exp(rng.uniform(math.log(0.2), math.log(3.0))),
            bend_seed=pixel_seed(rng),
            origin=(rng.uniform(0.0, 2.0), rng.uniform(0.0, 2.0)),
        )


def positions(view: View, height: int, width: int) -> NDArray[np.float64]:
    """Screen pixels (u, v) at every STEP-th sensor pixel, float64 (rows, columns, 2), one node beyond the last pixel.

    A pinhole camera of focal length 1.2 long sides before a tilted plane; ρ holds in the middle.
    """
    rows, columns = -(-height // STEP) + 1, -(-width // STEP) + 1
    long = float(max(height, width))
    y, x = np.meshgrid(np.arange(rows) * STEP - height / 2, np.arange(columns) * STEP - width / 2, indexing="ij")
    spread = 1.0 + view.distortion * (x * x + y * y) / (long / 2) ** 2
    ray = np.stack([x * spread, y * spread, np.full_like(x, 1.2 * long)], axis=-1)
    plane = _rotation(view)
    # The screen's axes seen from the camera: the point of the plane n·(p − c) = 0 on each ray.
    normal, centre = plane[2], np.array([0.0, 0.0, 1.2 * long])
    point = ray * (normal @ centre / (ray @ normal))[..., None] - centre
    screen = view.density * (point @ plane[:2].T)
    if view.bend > 0:
        noise = np.random.Generator(np.random.Philox(key=view.bend_seed)).standard_normal((6, 6, 2)).astype(np.float32)
        screen = screen + view.bend * cv2.resize(noise, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.asarray(screen + np.array(view.origin))


def _rotation(view: View) -> NDArray[np.float64]:
    """Rows: the screen's horizontal and vertical axes and its normal."""
    a, b, c = (math.radians(angle) for angle in (view.tilt_x, view.tilt_y, view.roll))
    about_x = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    about_y = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    about_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    return np.asarray((about_x @ about_y @ about_z).T)
