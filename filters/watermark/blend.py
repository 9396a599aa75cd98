"""Whether lettering is laid over what it stands on: the background shows through it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.watermark.text import Text

#: Height to which a line is brought, in pixels, longest line, and width of a slice.
_HEIGHT, _LONGEST, _SLICE = 32, 1024, 16
#: Pixels of letters and of ground that a slice must show, and slices.
_FEWEST_PIXELS, _FEWEST_SLICES = 12, 5
#: Standard deviation of the ground's luma among slices, in codes, from which on it says as much as it can.
_VARIED = 10.0
#: Share of the ground that shows through an overlay, and the colour it would have if opaque, in codes.
_SHOWN, _COLOUR = (0.15, 0.93), (170.0, 400.0)


def see_through(pixels: NDArray[np.uint8], text: Text) -> float:
    """Evidence in [0, 1] that a line in uint8 (H, W, 3) sRGB is a light, half-transparent overlay.

    Blending a colour c of opacity α over a ground g gives (1 − α) g + α c (Porter and Duff 1984), so that among slices
    of the line the luma of the letters falls on a straight line over that of the ground beside them, of slope below 1,
    which meets g = c at white. Paint under uneven light gives c = 0 instead, and paint on an even board no line. The
    evidence is the squared correlation, less where the ground varies less than 10 codes; 0 where slope or colour are
    not those of a light overlay, for dark lettering, and for lines too short to tell.
    """
    line = _upright(pixels, text)
    if line is None:
        return 0.0
    detail = line - cv2.GaussianBlur(line, (0, 0), _HEIGHT / 3)
    spread = float(detail.std())
    if spread < 1.0:
        return 0.0
    letters = (detail > 0.7 * spread).astype(np.float32)
    ground = (detail < 0.0).astype(np.float32)
    ground *= 1.0 - cv2.dilate(letters, np.ones((3, 3), np.uint8))
    letters = cv2.erode(letters, np.ones((2, 2), np.uint8))
    count = line.shape[1] // _SLICE
    shape = (_HEIGHT, count, _SLICE)
    cut = line[:, : count * _SLICE].reshape(shape)
    of_letters, of_ground = (mask[:, : count * _SLICE].reshape(shape) for mask in (letters, ground))
    enough = (of_letters.sum((0, 2)) >= _FEWEST_PIXELS) & (of_ground.sum((0, 2)) >= _FEWEST_PIXELS)
    if np.count_nonzero(enough) < _FEWEST_SLICES:
        return 0.0
    over = ((cut * of_letters).sum((0, 2))[enough] / of_letters.sum((0, 2))[enough]).astype(np.float64)
    under = ((cut * of_ground).sum((0, 2))[enough] / of_ground.sum((0, 2))[enough]).astype(np.float64)
    varied = float(under.std())
    if varied < 1.0 or float(over.std()) < 0.1:
        return 0.0
    covariance = float(((over - over.mean()) * (under - under.mean())).mean())
    slope = covariance / varied**2
    if not _SHOWN[0] <= slope <= _SHOWN[1]:
        return 0.0
    colour = (float(over.mean()) - slope * float(under.mean())) / (1.0 - slope)
    if not _COLOUR[0] <= colour <= _COLOUR[1]:
        return 0.0
    correlation = covariance / (varied * float(over.std()))
    return correlation**2 * min(1.0, varied / _VARIED)


def _upright(pixels: NDArray[np.uint8], text: Text) -> NDArray[np.float32] | None:
    """Luma of the line's box, brought to 32 pixels of height; None for boxes shorter than five slices."""
    corners = np.array(text.corners, dtype=np.float32)
    across = math.hypot(*(corners[1] - corners[0]))
    down = math.hypot(*(corners[3] - corners[0]))
    if down > across:
        corners, across, down = np.roll(corners, 1, axis=0), down, across
    width = min(_LONGEST, round(_HEIGHT * across / max(down, 1.0)))
    if width < _FEWEST_SLICES * _SLICE or down < 4.0:
        return None
    target = np.array([[0, 0], [width, 0], [width, _HEIGHT], [0, _HEIGHT]], dtype=np.float32)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    warp = cv2.getPerspectiveTransform(corners, target)
    line = cv2.warpPerspective(grey, warp, (width, _HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(line, dtype=np.float32)
