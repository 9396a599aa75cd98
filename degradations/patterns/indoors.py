"""The indoors of procedural scenes: windows, offices, rooms."""

from __future__ import annotations

import numpy as np

from degradations.patterns.landscape import daylight
from degradations.patterns.painting import Canvas, Colour


def _wall(canvas: Canvas, level: float) -> None:
    """A plain wall, lit from one side."""
    rng = canvas.rng
    colour = canvas.surface_colour(level, 4.0 * level)
    side, down = rng.uniform(-0.8, 0.8, 2)
    lit = np.exp(np.float32(side) * (canvas.x - 0.5) + np.float32(down) * (canvas.y - 0.5))
    canvas.light += (lit * np.exp(np.float32(0.15) * canvas.noise(1.8)))[:, :, None] * colour


def windows(canvas: Canvas) -> None:
    """A dim room with one to three windows on the day: mullions, curtains, the light they throw."""
    rng = canvas.rng
    _wall(canvas, 0.008)
    outside = daylight(canvas)
    count = int(rng.integers(1, 4))
    gap = rng.uniform(0.03, 0.12)
    width = (rng.uniform(0.55, 1.1) - gap * (count - 1)) / count
    left = rng.uniform(-0.15, 1.0 - 0.6 * count * (width + gap))
    top, bottom = rng.uniform(-0.1, 0.3), rng.uniform(0.6, 0.95)
    slant = rng.uniform(-0.15, 0.15)
    frame = canvas.surface_colour(0.02, 0.3)
    for number in range(count):
        a, b = left + number * (width + gap), left + number * (width + gap) + width
        canvas.glow((a + b) / 2, (top + bottom) / 2, 0.25, outside.mean(axis=(0, 1)) * np.float32(0.06))
        sheared = [
            (a, top + slant * a),
            (b, top + slant * b),
            (b, bottom - slant * b),
            (a, bottom - slant * a),
        ]
        canvas.cover(canvas.mask(sheared, 0.001), outside)
        _mullions(canvas, a, b, top, bottom, frame)
        if rng.uniform() < 0.5:
            _curtain(canvas, a, b, top, bottom)


def _mullions(canvas: Canvas, left: float, right: float, top: float, bottom: float, frame: Colour) -> None:
    thickness = canvas.rng.uniform(0.006, 0.018)
    columns, rows = int(canvas.rng.integers(1, 4)), int(canvas.rng.integers(1, 5))
    for i in range(columns + 1):
        x = left + (right - left) * i / columns
        canvas.box(x - thickness / 2, top - 0.2, x + thickness / 2, bottom + 0.2, frame)
    for i in range(1, rows):
        y = top + (bottom - top) * i / rows
        canvas.box(left, y - thickness / 2, right, y + thickness / 2, frame)


def _curtain(canvas: Canvas, left: float, right: float, top: float, bottom: float) -> None:
    """Cloth in folds at one side, through which the day shows."""
    rng = canvas.rng
    cloth = canvas.surface_colour(0.1, 0.5)
    span = rng.uniform(0.15, 0.4) * (right - left)
    start = left if rng.uniform() < 0.5 else right - span
    folds = int(rng.integers(4, 10))
    for i in range(folds):
        x = start + span * i / folds
        shade = np.float32(rng.uniform(0.3, 1.0))
        canvas.box(x, top - 0.05, x + 1.05 * span / folds, bottom + 0.1, cloth * shade, 0.004)


def office(canvas: Canvas) -> None:
    """A room in perspective under rows of lamps: panels, tubes or downlights."""
    rng = canvas.rng
    x0, y0 = rng.uniform(0.25, 0.75), rng.uniform(0.4, 0.6)
    depth = rng.uniform(0.12, 0.3)
    _shell(canvas, x0, y0, depth)
    lamp = canvas.light_colour(3) * np.float32(rng.uniform(0.8, 1.6))
    columns, rows = int(rng.integers(2, 6)), int(rng.integers(4, 9))
    across, along = rng.uniform(0.1, 0.55), rng.uniform(0.15, 0.6)
    for row in range(rows):
        near, far = 1.0 / (1.0 + row), 1.0 / (1.0 + row + along)
        for column in range(columns):
            a = -1.0 + 2.0 * (column + 0.5 - across / 2) / columns
            b = -1.0 + 2.0 * (column + 0.5 + across / 2) / columns
            if rng.uniform() < 0.9:
                quad = [(x0 + a * near, y0 * (1 - near)), (x0 + b * near, y0 * (1 - near))]
                quad += [(x0 + b * far, y0 * (1 - far)), (x0 + a * far, y0 * (1 - far))]
                canvas.polygon(quad, lamp, 0.0015)
    for _ in range(int(rng.integers(2, 7))):
        x, height = rng.uniform(0.0, 1.0), rng.uniform(0.12, 0.35)
        canvas.box(x, 1.0 - height, x + rng.uniform(0.08, 0.3), 1.05, canvas.surface_colour(0.01, 0.2), 0.003)


def _shell(canvas: Canvas, x0: float, y0: float, depth: float) -> None:
    """Ceiling, floor and walls around a back wall of half-width `depth` about (x0, y0)."""
    tone = canvas.surface_colour(0.05, 0.4)
    a, b, c, d = x0 - depth, x0 + depth, y0 - 0.8 * depth, y0 + 0.8 * depth
    shade = canvas.rng.uniform(0.25, 1.2, 5).astype(np.float32)
    canvas.polygon([(-1, -1), (2, -1), (b, c), (a, c)], tone * shade[0], 0.002)
    canvas.polygon([(-1, 2), (2, 2), (b, d), (a, d)], canvas.surface_colour(0.02, 0.2), 0.002)
    canvas.polygon([(-1, -1), (a, c), (a, d), (-1, 2)], tone * shade[2], 0.002)
    canvas.polygon([(2, -1), (b, c), (b, d), (2, 2)], tone * shade[3], 0.002)
    canvas.box(a, c, b, d, tone * shade[4], 0.002)
    canvas.light *= np.exp(np.float32(0.25) * canvas.noise(2.0))[:, :, None]


def room(canvas: Canvas) -> None:
    """A lived-in room: pictures, shelves of books, lamps."""
    rng = canvas.rng
    _shell(canvas, rng.uniform(0.3, 0.7), rng.uniform(0.4, 0.6), rng.uniform(0.3, 0.6))
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.uniform(-0.05, 0.85), rng.uniform(0.05, 0.5)
        w, h = rng.uniform(0.08, 0.25, 2)
        canvas.box(x - 0.01, y - 0.01, x + w + 0.01, y + h + 0.01, canvas.surface_colour(0.01, 0.1))
        canvas.box(x, y, x + w, y + h, canvas.surface_colour(0.1, 0.6))
        canvas.disc(x + w / 2, y + h / 2, 0.3 * w, canvas.surface_colour(0.03, 0.5), 0.01)
    if rng.uniform() < 0.6:
        _shelves(canvas)
    if rng.uniform() < 0.4:
        width = rng.uniform(0.15, 0.35)
        x = rng.uniform(0.0, 1.0 - width)
        cover = canvas.mask([(x, 0.1), (x + width, 0.12), (x + width, 0.6), (x, 0.62)], 0.002)
        canvas.cover(cover, daylight(canvas))
    for _ in range(int(rng.integers(1, 4))):
        x, y, radius = rng.uniform(0.05, 0.95), rng.uniform(0.05, 0.6), rng.uniform(0.02, 0.06)
        colour = canvas.light_colour(2)
        canvas.glow(x, y, 3.0 * radius, colour * np.float32(0.35))
        shade = [(x - 0.5 * radius, y - radius), (x + 0.5 * radius, y - radius), (x + radius, y + radius)]
        canvas.polygon([*shade, (x - radius, y + radius)], colour * np.float32(rng.uniform(0.8, 1.5)), 0.003)


def _shelves(canvas: Canvas) -> None:
    rng = canvas.rng
    left, right = sorted(rng.uniform(-0.1, 1.1, 2))
    right = max(right, left + 0.3)
    board, step = canvas.surface_colour(0.02, 0.2), rng.uniform(0.13, 0.2)
    for y in np.arange(rng.uniform(0.2, 0.4), 0.95, step):
        canvas.box(left, y - 0.85 * step, right, y, board * np.float32(0.3))
        x = left
        while x < right:
            width = rng.uniform(0.008, 0.035)
            canvas.box(x, y - step * rng.uniform(0.45, 0.75), min(x + width, right), y, canvas.surface_colour())
            x += width * (1.0 if rng.uniform() < 0.85 else 3.0)
        canvas.box(left, y, right, y + 0.012, board)
