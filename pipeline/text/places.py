"""Regions, sides and directions from drawn parameters: only those that are clear."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from degradations.lowlight.illumination import AnyField, illumination
from degradations.reflection.pane import visibility
from pipeline.text.fact import Place

#: The nine cells of a picture, by row and column.
CELLS = (
    ("upper_left", "top", "upper_right"),
    ("left", "center", "right"),
    ("lower_left", "bottom", "lower_right"),
)
#: How many times brighter the brightest cell must be than the middle one of all to be named; how dark the corners.
_LIT, _CORNER = 1.8, 0.5
#: How many times more one side of a pane must mirror than the opposite one.
_MIRRORS = 1.8
#: Side of the square on which light and reflectance are compared; shares of a picture, so its size is of no matter.
_SIDE = 512

_FIELD: TypeAdapter[Any] = TypeAdapter(AnyField)


def cell(x: float, y: float) -> str:
    """The cell at shares x of width and y of height."""
    return CELLS[min(2, max(0, int(y * 3)))][min(2, max(0, int(x * 3)))]


def beyond(x: float, y: float) -> str:
    """The edge or corner beyond which (x, y) lies."""
    row = 0 if y < 0.0 else 2 if y > 1.0 else 1
    column = 0 if x < 0.0 else 2 if x > 1.0 else 1
    return CELLS[row][column]


def axis(angle: float, degrees: bool = False) -> str:
    """horizontal, vertical or diagonal: of a line at `angle` from the horizontal."""
    turn = (angle if degrees else math.degrees(angle)) % 180.0
    if min(turn, 180.0 - turn) < 22.5:
        return "horizontal"
    return "vertical" if abs(turn - 90.0) < 22.5 else "diagonal"


def slant(across: float, upright: float, leaning: float) -> tuple[Place, ...]:
    """How streaks fall that lean by `across`, to the right if positive: upright up to `upright`, leaning from
    `leaning` on, and nothing sure between the two."""
    if abs(across) >= leaning:
        return (Place("slant", "right" if across > 0 else "left"),)
    return (Place("slant", "upright"),) if abs(across) <= upright else ()


def lit_part(field: dict[str, Any], contrast: float) -> tuple[Place, ...]:
    """Where the light of a dark picture falls, from its recorded field."""
    if field["kind"] == "vignette":
        return (Place("corners"),) if field["corner"] ** contrast < _CORNER else ()
    light = illumination(_FIELD.validate_python(field), contrast, _SIDE, _SIDE).mean(axis=2)
    cells = _cell_means(light[:-1, :-1])
    row, column = np.unravel_index(int(np.argmax(cells)), cells.shape)
    return (Place("lit", CELLS[row][column]),) if cells.max() > _LIT * float(np.median(cells)) else ()


def mirroring_side(pane: dict[str, Any]) -> tuple[Place, ...]:
    """The side on which a pane of glass mirrors most, from its recorded view."""
    down, right = pane["turn_deg"]
    omega = visibility(pane["incidence_deg"], (down, right), pane["patchiness"], pane["patch_seed"])
    cells = _cell_means(omega)
    sides = {
        "left": cells[:, 0].mean() / cells[:, 2].mean(),
        "top": cells[0].mean() / cells[2].mean(),
    }
    sides |= {"right": 1.0 / sides["left"], "bottom": 1.0 / sides["top"]}
    most = max(sides, key=lambda side: float(sides[side]))
    return (Place("mirrors", most),) if sides[most] > _MIRRORS else ()


def _cell_means(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    rows = np.array_split(plane.astype(np.float64), 3, axis=0)
    return np.array([[part.mean() for part in np.array_split(row, 3, axis=1)] for row in rows])
