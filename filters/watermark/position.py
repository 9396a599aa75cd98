"""Where marks are put: corners, the lower and upper edge, the centre; straight, upright or on a diagonal."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from filters.watermark.text import Text

#: Gap to the edges of the picture, as a part of its short side, within which text stands at an edge.
_GAP = 0.075
#: Height of a line, as a part of the short side: most for a line at an edge, least for one in the centre.
_EDGE_HEIGHT, _CENTRE_HEIGHT = 0.1, 0.03
#: Distance of the middle of a line from that of the picture, as a part of each side; and its least length.
_OFF_CENTRE, _CENTRE_LENGTH = 0.06, 0.2
#: Degrees off the horizontal or vertical that a straight line may measure, plus what one pixel does to it.
_STRAIGHT = 0.7


class Place(NamedTuple):
    """Each 0 or 1. edge: in a corner, or along the upper or lower edge. centre: in the middle of the picture.
    straight: horizontal or vertical, as nothing in a scene is but by chance."""

    edge: float
    centre: float
    straight: float


def angle(text: Text) -> float:
    """Direction of the line in degrees, (−180, 180], 0 for horizontal, clockwise."""
    (x0, y0), (x1, y1) = text.corners[:2]
    (x3, y3), (x2, y2) = text.corners[3], text.corners[2]
    along = (x1 - x0 + x2 - x3, y1 - y0 + y2 - y3)
    down = (x3 - x0 + x2 - x1, y3 - y0 + y2 - y1)
    if math.hypot(*down) > math.hypot(*along) and len(text.text) > 1:
        along = down
    return math.degrees(math.atan2(along[1], along[0]))


def place(text: Text, width: int, height: int) -> Place:
    """Where `text` stands in a picture of `width` × `height` pixels."""
    corners = np.array(text.corners)
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    short = min(width, height)
    long_line, line_height = _extent(corners)
    turn = abs(angle(text))
    off = min(turn % 90, 90 - turn % 90)
    straight = off <= _STRAIGHT + math.degrees(math.atan2(0.003 * short, max(long_line, 1.0)))
    near_side = min(left, width - right) < _GAP * short
    near_level = min(top, height - bottom) < _GAP * short
    upright = 45 < turn < 135
    at_edge = near_level if not upright else near_side
    edge = straight and at_edge and line_height < _EDGE_HEIGHT * short
    centred = (
        abs((left + right) / 2 - width / 2) < _OFF_CENTRE * width
        and abs((top + bottom) / 2 - height / 2) < _OFF_CENTRE * height
        and line_height > _CENTRE_HEIGHT * short
        and long_line > _CENTRE_LENGTH * short
    )
    return Place(float(edge), float(centred), float(straight))


def _extent(corners: np.ndarray) -> tuple[float, float]:
    """Longer and shorter side of a box."""
    first = float(np.hypot(*(corners[1] - corners[0])))
    second = float(np.hypot(*(corners[2] - corners[1])))
    return max(first, second), min(first, second)
