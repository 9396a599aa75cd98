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
#: Distance of the middle of a line from that of the picture, as a part of each side, up to which it is central and
#: from which on it is not; and its least length, as a part of the short side.
_CENTRAL, _OFF_CENTRE, _CENTRE_LENGTH = 0.02, 0.06, 0.2
#: Degrees off the horizontal or vertical up to which a line is straight and from which on it is not; boxes of short
#: and slanted words are that uncertain.
_STRAIGHT, _ASKEW = 0.7, 2.5


#: Evidence of a line level with the centre and near it, as text beside a logo is; how near, in parts of the width.
_BESIDE, _BESIDE_CENTRE = 0.75, 0.2


class Place(NamedTuple):
    """Each in [0, 1]. edge: level and in a corner, or along the upper or lower edge. centre: in the middle of the
    picture. straight: horizontal or vertical, as nothing in a scene is but by chance."""

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
    straight = _falling(min(turn % 90, 90 - turn % 90), _STRAIGHT, _ASKEW)
    near_side = min(left, width - right) < _GAP * short
    near_level = min(top, height - bottom) < _GAP * short
    upright = 45 < turn < 135
    at_edge = near_level if not upright else near_side
    edge = straight > 0 and at_edge and line_height < _EDGE_HEIGHT * short
    off = max(abs((left + right) / 2 / width - 0.5), abs((top + bottom) / 2 / height - 0.5))
    large = line_height > _CENTRE_HEIGHT * short and long_line > _CENTRE_LENGTH * short
    level = abs((top + bottom) / 2 / height - 0.5)
    beside = (
        _BESIDE * _falling(level, _CENTRAL, _OFF_CENTRE)
        if abs((left + right) / 2 / width - 0.5) < _BESIDE_CENTRE
        else 0.0
    )
    return Place(float(edge), float(large) * max(beside, _falling(off, _CENTRAL, _OFF_CENTRE)), straight)


def _falling(value: float, full: float, none: float) -> float:
    """1 up to `full`, 0 from `none` on, a straight line between."""
    return min(1.0, max(0.0, (none - value) / (none - full)))


def _extent(corners: np.ndarray) -> tuple[float, float]:
    """Longer and shorter side of a box."""
    first = float(np.hypot(*(corners[1] - corners[0])))
    second = float(np.hypot(*(corners[2] - corners[1])))
    return max(first, second), min(first, second)
