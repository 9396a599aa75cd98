"""Layers of rain streaks, tileable."""

from __future__ import annotations

import numpy as np

from degradations.patterns.bank import Pattern
from degradations.rain.params import Camera, Shower
from degradations.rain.segments import Segments, draw
from degradations.rain.streaks import streaks_in
from degradations.severity import logarithmic


def make(rng: np.random.Generator, size: int) -> Pattern:
    """255 times the opacity of a layer of streaks, uint8 (size, size), the same at opposite edges.

    A shower of its own rain rate, exposure, focal length, wind and depth of field, between a nearest and a farthest
    distance (see `degradations.rain.streaks`), seen level from afar: every streak of a size is parallel.
    """
    camera = Camera(
        focal_px=logarithmic(rng.uniform(), 0.8, 4.0) * size,
        pitch=0.0,
        roll=0.0,
        exposure_s=logarithmic(rng.beta(1.6, 2.6), 1 / 30, 1 / 1000),
        aperture_m=logarithmic(rng.uniform(), 0.0005, 0.012),
        focus_m=logarithmic(rng.uniform(), 2.0, 30.0),
        near_m=1.0,
        far_m=100.0,
    )
    shower = Shower(
        rate_mm_h=logarithmic(rng.uniform(), 5.0, 150.0),
        gain=logarithmic(rng.uniform(), 1.5, 6.0),
        shelter_m=logarithmic(rng.uniform(), 0.5, 4.0),
        wind_m_s=(rng.normal(0.0, 1.6), 0.0),
        turbulence=logarithmic(rng.uniform(), 0.01, 0.06),
        most=round(logarithmic(rng.uniform(), 1000.0, 12000.0)),
        flash=0.0,
    )
    plane = np.zeros((size, size), dtype=np.float32)
    draw(plane, _wrapped(streaks_in(rng, shower, camera, size, size), size), np.zeros((1, 1), dtype=np.float32))
    return (plane * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)


def _wrapped(segments: Segments, size: int) -> Segments:
    """The segments whose middle lies on the tile, repeated where they cross its edges."""
    middle_x, middle_y = (segments[:, 0] + segments[:, 2]) / 2, (segments[:, 1] + segments[:, 3]) / 2
    inside = (middle_x >= -0.5) & (middle_x < size - 0.5) & (middle_y >= -0.5) & (middle_y < size - 0.5)
    own = segments[inside]
    margin = 1.5 * own[:, 4]
    left, right = np.minimum(own[:, 0], own[:, 2]) - margin, np.maximum(own[:, 0], own[:, 2]) + margin
    top, bottom = np.minimum(own[:, 1], own[:, 3]) - margin, np.maximum(own[:, 1], own[:, 3]) + margin
    copies = []
    for down in (-size, 0, size):
        for across in (-size, 0, size):
            seen = (right + across >= 0) & (left + across < size) & (bottom + down >= 0) & (top + down < size)
            moved = own[seen].copy()
            moved[:, [0, 2]] += np.float32(across)
            moved[:, [1, 3]] += np.float32(down)
            copies.append(moved)
    return np.concatenate(copies)
