"""The outdoors of procedural scenes: sky, trees, streets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degradations.patterns.painting import LIGHTS, Canvas


def daylight(canvas: Canvas) -> NDArray[np.float32]:
    """A view of the day, float32 (size, size, 3): sky with clouds, a line of trees or roofs, ground."""
    rng = canvas.rng
    kept, canvas.light = canvas.light, np.zeros_like(canvas.light)
    brightness = np.float32(rng.uniform(0.6, 1.3))
    zenith, haze = LIGHTS[4] * np.float32(rng.uniform(0.3, 0.9)), canvas.light_colour() * np.float32(0.9)
    clouds = np.clip(canvas.noise(1.6, 2.5) * np.float32(0.5) + np.float32(rng.uniform(-0.3, 0.5)), 0.0, 1.0)
    canvas.light += canvas.gradient(zenith, haze)
    canvas.cover(clouds, np.ones(3, dtype=np.float32))
    horizon = rng.uniform(0.4, 0.75)
    ground = canvas.surface_colour(0.05, 0.3) * np.exp(np.float32(0.3) * canvas.noise(1.4, 3.0))[:, :, None]
    canvas.cover((canvas.y > horizon).astype(np.float32) * np.ones_like(canvas.x), ground)
    if rng.uniform() < 0.5:
        blocks(canvas, float(horizon), int(rng.integers(2, 7)))
    if rng.uniform() < 0.8:
        vegetation(canvas, float(horizon - rng.uniform(0.02, 0.25)), float(horizon + 0.1))
    view, canvas.light = canvas.light * brightness, kept
    return view


def vegetation(canvas: Canvas, top: float, bottom: float = 1.0) -> None:
    """Leaves from the height `top` on, denser downwards, dark where they are deep."""
    rng = canvas.rng
    leaf = np.array([0.5, 1.0, 0.28], dtype=np.float32) * np.exp(rng.normal(0.0, 0.15, 3)).astype(np.float32)
    level = np.float32(np.exp(rng.uniform(np.log(0.02), np.log(0.12))))
    density = (canvas.y - np.float32(top)) / np.float32(0.18) + canvas.noise(1.5) - np.float32(0.3)
    cover = np.clip(np.float32(4.0) * (density + np.float32(0.7) * canvas.noise(0.9)), 0.0, 1.0)
    cover *= canvas.y < bottom
    light = level * np.exp(np.float32(0.7) * canvas.noise(1.0) + np.float32(0.5) * canvas.noise(1.8))
    canvas.cover(cover, light[:, :, None] * leaf)


def blocks(canvas: Canvas, foot: float, count: int) -> None:
    """Houses that stand at the height `foot`, with grids of windows that mirror the sky."""
    rng = canvas.rng
    for _ in range(count):
        left, width = rng.uniform(-0.15, 0.95), rng.uniform(0.08, 0.35)
        top = foot - rng.uniform(0.08, 0.45)
        front = canvas.surface_colour(0.05, 0.45)
        canvas.box(left, top, left + width, foot, front, 0.001)
        cell = rng.uniform(0.02, 0.05)
        pane = canvas.surface_colour(0.01, 0.08)
        wide, tall = rng.uniform(0.3, 0.8), rng.uniform(0.45, 0.85)
        for y in np.arange(top + 0.3 * cell, foot - cell, 1.2 * cell):
            for x in np.arange(left + 0.2 * cell, left + width - cell, cell):
                level = np.float32(6.0 if rng.uniform() < 0.07 else rng.uniform(0.6, 1.6))
                canvas.box(x, y, x + wide * cell, y + tall * cell, pane * level)


def street(canvas: Canvas) -> None:
    """A street by day: houses on both sides, trees, cars, pavement."""
    rng = canvas.rng
    canvas.light[:] = daylight(canvas)
    foot = rng.uniform(0.6, 0.75)
    blocks(canvas, float(foot), int(rng.integers(5, 11)))
    road = canvas.surface_colour(0.04, 0.2)
    canvas.box(-0.1, foot, 1.1, 1.1, road, 0.002)
    canvas.polygon(
        [(-0.1, foot + 0.05), (1.1, foot + 0.03), (1.1, foot + 0.08), (-0.1, foot + 0.12)], 1.8 * road, 0.003
    )
    if rng.uniform() < 0.6:
        vegetation(canvas, float(foot - 0.25), float(foot + 0.02))
    for _ in range(int(rng.integers(0, 5))):
        x, width = rng.uniform(-0.1, 0.9), rng.uniform(0.12, 0.28)
        y, paint = foot + rng.uniform(0.03, 0.12), canvas.surface_colour(0.01, 0.5)
        roof = [(x + 0.2 * width, y - 0.2 * width), (x + 0.3 * width, y - 0.36 * width)]
        roof += [(x + 0.7 * width, y - 0.36 * width), (x + 0.85 * width, y - 0.2 * width)]
        canvas.polygon(roof, canvas.surface_colour(0.01, 0.1))
        canvas.box(x, y - 0.22 * width, x + width, y - 0.02 * width, paint, 0.002)
        for wheel in (0.2, 0.8):
            canvas.disc(x + wheel * width, y - 0.02 * width, 0.07 * width, road * np.float32(0.1), 0.001)
