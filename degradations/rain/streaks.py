"""From drops in space to streaks in the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degradations.rain.drops import Drops, fall_speed, sample
from degradations.rain.params import Camera, Shower
from degradations.rain.segments import Segments

Values = NDArray[np.float64]

#: Half width of what a pixel makes of a point: (1 − u²)² over ±.94 px integrates to 1 px.
PIXEL = 15.0 / 16.0
#: The shortest distance to the camera at which a drop is projected, m.
CLOSEST = 0.08
#: How long a flash burns, s.
FLASH_S = 1 / 1500


def velocity(speed: Values, wind: tuple[Values, Values], camera: Camera) -> tuple[Values, Values, Values]:
    """Right, down and away components in the camera's axes, m/s, of drops that fall at `speed` m/s in the `wind`."""
    pitch, roll = camera.pitch, camera.roll
    down = np.cos(pitch) * speed + np.sin(pitch) * wind[1]
    away = np.cos(pitch) * wind[1] - np.sin(pitch) * speed
    right = np.cos(roll) * wind[0] - np.sin(roll) * down
    return right, np.sin(roll) * wind[0] + np.cos(roll) * down, away


def blurred_half_width(width_px: Values, distance: Values, camera: Camera) -> Values:
    """Half width, px, of a streak `width_px` wide through the pixel and the circle of confusion at `distance` m."""
    confusion = camera.focal_px * camera.aperture_m * np.abs(1.0 / distance - 1.0 / camera.focus_m)
    return np.asarray(PIXEL * np.hypot(np.maximum(width_px, 1.0), confusion))


def oscillations(diameter: Values, exposure_s: float) -> Values:
    """Periods of the first mode of a drop of `diameter` mm during the exposure (Rayleigh 1879, surface tension of
    water); 0 where there are too many to be seen."""
    periods = exposure_s / (2 * np.pi) * np.sqrt(8 * 0.072 / (1000.0 * (0.5e-3 * diameter) ** 3))
    return np.asarray(np.where(periods < 6.0, periods, 0.0))


def project(
    rng: np.random.Generator, drops: Drops, shower: Shower, camera: Camera, height: int, width: int
) -> Segments:
    """The streaks of `drops`, float32 (n, 9), placed evenly over the picture and a margin.

    A drop moves v·T during the exposure; both ends are projected, so streaks converge to the vanishing point of their
    fall. Length about f·v·T/z, width f·D/z; opacity line·min(1, width), spread by defocus.
    """
    n = drops.diameter.size
    speed = fall_speed(drops.diameter)
    gusts = shower.turbulence * speed * rng.standard_normal((2, n))
    wind = shower.wind_m_s[0] + gusts[0], shower.wind_m_s[1] + gusts[1]
    right, down, away = velocity(speed, wind, camera)
    x, y = rng.uniform(-0.1, 1.1, n) * width - width / 2, rng.uniform(-0.1, 1.1, n) * height - height / 2
    z = drops.distance
    x, y = x * z / camera.focal_px, y * z / camera.focal_px
    half_time = camera.exposure_s / 2

    def at(time: float) -> tuple[Values, Values]:
        depth = np.maximum(z + away * time, CLOSEST)
        return (
            camera.focal_px * (x + right * time) / depth + (width - 1) / 2,
            camera.focal_px * (y + down * time) / depth + (height - 1) / 2,
        )

    width_px = camera.focal_px * 1e-3 * drops.diameter / z
    half = blurred_half_width(width_px, z, camera)
    spread = np.minimum(1.0, width_px) * PIXEL * np.maximum(width_px, 1.0) / half
    beats, phase = oscillations(drops.diameter, camera.exposure_s), rng.random(n)
    start, end = at(-half_time), at(half_time)
    streaks = np.stack([*start, *end, half, drops.line_opacity * spread, 1.0 / z, beats, phase], axis=1)
    if shower.flash > 0:
        burnt = np.minimum(1.0, shower.flash / z**2) * np.minimum(1.0, 1e-3 * drops.diameter / (speed * FLASH_S))
        lit = np.stack([*at(half_time - FLASH_S), *end, half, burnt * spread, 1.0 / z, 0 * z, 0 * z], axis=1)
        streaks = np.concatenate([streaks, lit[burnt * spread > 0.02]])
    return streaks.astype(np.float32)


def streaks_in(rng: np.random.Generator, shower: Shower, camera: Camera, height: int, width: int) -> Segments:
    """The streaks of a shower in a picture of `height` × `width` pixels, float32 (n, 9)."""
    solid_angle = 1.44 * height * width / camera.focal_px**2
    drops = sample(
        rng,
        shower.rate_mm_h,
        camera.exposure_s,
        shower.gain,
        camera.focal_px,
        shower.shelter_m,
        solid_angle,
        shower.most,
    )
    return project(rng, drops, shower, camera, height, width)
