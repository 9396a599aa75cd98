"""Scenes that a pane of glass might mirror: windows, lamps at night, offices, people, rooms, streets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from degradations.contract import Image
from degradations.patterns.indoors import office, room, windows
from degradations.patterns.landscape import daylight, street, vegetation
from degradations.patterns.painting import Canvas, Colour

Place = tuple[float, float]

#: Linear RGB by which skin tints its light.
SKIN = np.array([1.2, 0.9, 0.75], dtype=np.float32)
#: Linear RGB of signals and signs: red, green, blue, magenta.
SIGNALS = np.array([(1, 0.07, 0.03), (0.12, 1, 0.4), (0.15, 0.3, 1), (1, 0.15, 0.6)], dtype=np.float32)


def lamps(canvas: Canvas) -> None:
    """Lights at night, out of focus by one lens: rows that recede, clusters, lit windows behind them."""
    rng = canvas.rng
    canvas.light += canvas.gradient(canvas.surface_colour(0.002, 0.02), canvas.surface_colour(0.004, 0.03))
    for _ in range(int(rng.integers(0, 5))):
        _lit_block(canvas)
    base = float(np.exp(rng.uniform(np.log(0.006), np.log(0.04))))
    for _ in range(int(rng.integers(3, 9))):
        count = int(rng.integers(3, 12))
        x, y = rng.uniform(-0.1, 1.1), rng.uniform(0.1, 0.8)
        step_x, step_y = rng.uniform(-0.14, 0.14), rng.uniform(-0.05, 0.05)
        scatter = rng.choice([0.003, 0.08])
        colour = canvas.light_colour(3)
        if rng.uniform() < 0.2:  # signals, signs
            colour = SIGNALS[int(rng.integers(len(SIGNALS)))]
        for i in range(count):
            recede = 0.85**i
            px = x + step_x * (1 - recede) / 0.15 + rng.normal(0.0, scatter)
            py = y + step_y * (1 - recede) / 0.15 + rng.normal(0.0, scatter)
            brightness = np.float32(np.exp(rng.normal(-0.3, 0.7)))
            radius = base * rng.uniform(0.8, 1.2) * (0.5 + 0.5 * recede)
            canvas.glow(px, py, 1.5 * radius, colour * brightness * np.float32(0.06))
            canvas.disc(px, py, radius, colour * brightness, 0.04 * radius)


def _lit_block(canvas: Canvas) -> None:
    """A building at night: some of its windows are lit."""
    rng = canvas.rng
    left, width = rng.uniform(-0.1, 0.9), rng.uniform(0.12, 0.4)
    top, cell = rng.uniform(0.05, 0.6), rng.uniform(0.02, 0.05)
    canvas.box(left, top, left + width, 1.0, canvas.surface_colour(0.003, 0.02))
    share = rng.uniform(0.1, 0.6)
    for y in np.arange(top + cell / 2, 0.95, 1.4 * cell):
        for x in np.arange(left + cell / 3, left + width - cell, cell * 1.1):
            if rng.uniform() < share:
                level = np.float32(np.exp(rng.normal(-1.8, 0.6)))
                canvas.box(x, y, x + 0.6 * cell, y + 0.8 * cell, canvas.light_colour(3) * level, 0.001)


def people(canvas: Canvas) -> None:
    """One to three figures before the day: whoever looks into the glass, or takes the photograph."""
    rng = canvas.rng
    canvas.light[:] = daylight(canvas)
    for number in range(int(rng.integers(1, 4))):
        height = rng.uniform(0.55, 1.1) if number == 0 else rng.uniform(0.3, 0.8)
        _figure(canvas, rng.uniform(0.2, 0.8), 1.02 - height, height)


def _figure(canvas: Canvas, x: float, top: float, height: float) -> None:
    rng = canvas.rng
    cloth, skin = canvas.surface_colour(0.008, 0.12), canvas.surface_colour(0.02, 0.08) * SKIN
    head = 0.085 * height
    soft = 0.002
    lean = rng.uniform(-0.02, 0.02)
    shoulder, waist = 2.3 * head * rng.uniform(0.9, 1.1), 1.7 * head
    body = [
        (x - 0.35 * head, top + 1.9 * head),
        (x - shoulder, top + 2.9 * head),
        (x - 1.05 * shoulder, top + 6.0 * head),
        (x - waist, top + 6.2 * head),
        (x - waist * 1.1 + lean, 1.3),
        (x + waist * 1.1 + lean, 1.3),
        (x + waist, top + 6.2 * head),
        (x + 1.05 * shoulder, top + 6.0 * head),
        (x + shoulder, top + 2.9 * head),
        (x + 0.35 * head, top + 1.9 * head),
    ]
    canvas.polygon(body, cloth, soft)
    canvas.box(x - 0.4 * head, top + 1.5 * head, x + 0.4 * head, top + 2.6 * head, skin, soft)
    canvas.disc(x, top + head, 0.78 * head, skin, soft, tall=1.25)
    hair = canvas.surface_colour(0.005, 0.05)
    canvas.disc(x, top + 0.62 * head, 0.8 * head, hair, 0.004, tall=0.8)
    if rng.uniform() < 0.4:  # both arms raised to a camera before the face
        for side in (-1.0, 1.0):
            elbow = (x + side * shoulder * rng.uniform(1.1, 1.4), top + 4.8 * head)
            _limb(canvas, (x + side * 0.85 * shoulder, top + 3.1 * head), elbow, 0.45 * head, cloth)
            _limb(canvas, elbow, (x + side * 0.5 * head, top + 1.3 * head), 0.35 * head, cloth * np.float32(1.2))
        camera = canvas.surface_colour(0.005, 0.02)
        canvas.box(x - 0.6 * head, top + 0.7 * head, x + 0.6 * head, top + 1.5 * head, camera)


def _limb(canvas: Canvas, start: Place, end: Place, half: float, colour: Colour) -> None:
    """A bar with round ends from one place to another, `half` its width."""
    along = np.array(end) - np.array(start)
    across = half * np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-6)
    corners = [start + across, end + across, end - across, start - across]
    canvas.polygon([(float(cx), float(cy)) for cx, cy in corners], colour, 0.002)
    for x, y in (start, end):
        canvas.disc(x, y, half, colour, 0.002)


def garden(canvas: Canvas) -> None:
    """Trees against the sky: gaps of bright sky between dark leaves."""
    canvas.light[:] = daylight(canvas)
    for _ in range(int(canvas.rng.integers(1, 4))):
        vegetation(canvas, float(canvas.rng.uniform(0.0, 0.6)))


SCENES: tuple[Callable[[Canvas], None], ...] = (windows, lamps, office, people, room, garden, street)


def make(rng: np.random.Generator, size: int) -> Image:
    """A scene to be mirrored, sRGB uint8 (size, size, 3); the seven kinds are equally likely."""
    canvas = Canvas(rng, size)
    SCENES[int(rng.integers(len(SCENES)))](canvas)
    return canvas.finish()
