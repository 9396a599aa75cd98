"""Drops that hit the ground: droplets thrown up, rings on standing water."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.rain.params import Camera
from degradations.rain.segments import Segments
from degradations.rain.streaks import PIXEL

Plane = NDArray[np.float32]
Values = NDArray[np.float64]

_GRAVITY = 9.81
#: Distance beyond which all splashes are as dense in the picture as at it, m.
_DENSEST = 8.0


def places(rng: np.random.Generator, where: Plane, nearness: Plane, count: int) -> tuple[Values, Values, Values]:
    """Up to `count` places of impact: x and y as shares of the picture, and 1/distance.

    where: in [0, 1], float32 (h, w). As many drops hit each square metre, so their number in the picture grows with
    distance.
    """
    x, y = rng.random(count), rng.random(count)
    height, width = where.shape
    row, column = (y * height).astype(np.intp), (x * width).astype(np.intp)
    near = np.maximum(nearness[row, column], 1.0 / 80.0)
    chance = where[row, column] * np.minimum(1.0, (1.0 / (_DENSEST * near)) ** 1.5)
    kept = (rng.random(count) < chance) & (where[row, column] > 0.05)
    return x[kept], y[kept], near[kept].astype(np.float64)


def splashes(
    rng: np.random.Generator,
    where: Plane,
    nearness: Plane,
    camera: Camera,
    size: tuple[int, int],
    count: int,
    gain: float,
) -> Segments:
    """The droplets of up to `count` splashes in a picture of `size` = (height, width), float32 (n, 9).

    8 to 20 a splash, .15-.6 mm wide, start at .4-1.9 m/s, 35-85° above ground, and are seen somewhere on their
    parabola, for the time of the exposure.
    """
    x, y, near = places(rng, where, nearness, count)
    number = rng.integers(8, 21, x.size)
    index = np.repeat(np.arange(x.size), number)
    n = index.size
    speed, lift = rng.uniform(0.4, 1.9, x.size)[index] * rng.uniform(0.7, 1.0, n), np.radians(rng.uniform(35, 85, n))
    across, up = speed * np.cos(lift) * np.cos(rng.uniform(0, 2 * np.pi, n)), speed * np.sin(lift)
    flight = 2 * up / _GRAVITY
    start = rng.random(x.size)[index] * flight
    end = np.minimum(start + camera.exposure_s, flight)
    per_metre = camera.focal_px * near[index]
    foot_x, foot_y = x[index] * size[1] - 0.5, y[index] * size[0] - 0.5

    def at(time: Values) -> tuple[Values, Values]:
        rise = up * time - _GRAVITY / 2 * time * time
        return foot_x + per_metre * across * time, foot_y - per_metre * rise

    diameter = 1e-3 * rng.uniform(0.15, 0.6, n)
    width = per_metre * diameter
    path = np.maximum(speed * (end - start), diameter)
    opacity = np.minimum(0.5, gain * diameter / path) * np.minimum(1.0, width * gain)
    x0, y0 = at(start)
    x1, y1 = at(end)
    y1 += np.where(np.hypot(x1 - x0, y1 - y0) < width, width, 0.0)
    half = PIXEL * np.maximum(width, 1.0)
    segments = np.stack([x0, y0, x1, y1, half, opacity, near[index] * 1.2, 0 * near[index], 0 * near[index]], axis=1)
    return segments[opacity > 0.01].astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _rings(plane: Plane, rings: Plane) -> None:
    height, width = plane.shape
    one = np.float32(1.0)
    for k in range(rings.shape[0]):
        cx, cy, radius, flat, wave, opacity = rings[k]
        outer = radius + wave
        top, bottom = max(0, int(np.ceil(cy - outer * flat))), min(height - 1, int(cy + outer * flat))
        left, right = max(0, int(np.ceil(cx - outer))), min(width - 1, int(cx + outer))
        for y in range(top, bottom + 1):
            v = (np.float32(y) - cy) / flat
            for x in range(left, right + 1):
                u = np.float32(x) - cx
                t = (np.sqrt(u * u + v * v) - radius) / wave
                fall = one - t * t
                if fall > np.float32(0.0):
                    value = opacity * fall * fall
                    plane[y, x] += value * (one - plane[y, x])


def ripples(
    rng: np.random.Generator,
    plane: Plane,
    where: Plane,
    nearness: Plane,
    sight: Plane,
    camera: Camera,
    count: int,
) -> None:
    """Adds the crests of up to `count` rings of 1-9 cm on standing water to `plane` (opacity, float32 (H, W)).

    sight: cosine between the water's normal and the line of sight, by which a ring is foreshortened.
    """
    x, y, near = places(rng, where, nearness, count)
    flat = np.maximum(sight[(y * sight.shape[0]).astype(np.intp), (x * sight.shape[1]).astype(np.intp)], 0.08)
    age = rng.random(x.size)
    radius = camera.focal_px * near * (0.01 + 0.08 * age)
    wave = np.maximum(camera.focal_px * near * 0.01, 1.4)
    opacity = 0.22 * (1.0 - 0.8 * age) * np.minimum(1.0, radius / 3.0)
    rings = [x * plane.shape[1] - 0.5, y * plane.shape[0] - 0.5, radius, flat, wave, opacity]
    _rings(plane, np.stack(rings, axis=1).astype(np.float32))
