"""Lines read where marks are put, without being found first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.watermark.lexicon import lexical, normalised
from filters.watermark.text import Text, detail_of_lows, detail_of_luma, read_line

#: Height of what the network reads, in pixels. Least evidence of its words for which a reading is kept; without any,
#: least letters and confidence of one in the centre.
_HEIGHT, _WORDS, _LETTERS, _SURE = 48, 0.5, 6, 0.9
#: Share of a reading's letters up to which another is a piece of it.
_PIECE = 0.6
#: Directions (degrees, clockwise) and heights (parts of the short side) of bands through the centre, and their longest
#: shape.
_CENTRAL = (
    *((0, part) for part in (0.11, 0.17, 0.25)),
    *((turn, part) for turn in (-30, 30) for part in (0.13, 0.2)),
    *((turn, part) for turn in (-45, 45) for part in (0.15, 0.2)),
    *((turn, part) for turn in (-90, 90) for part in (0.12, 0.18)),
)
_CENTRAL_ASPECT = 6.0
#: Heights of bands along the edges, their gap to the edge, and their longest shape.
_AT_EDGE, _GAP, _EDGE_ASPECT = (0.045, 0.07), 0.02, 12.0


class _Band(NamedTuple):
    x: float
    y: float
    length: float
    height: float
    turn: float


def read_bands(pixels: NDArray[np.uint8], found: Sequence[Text], words: Sequence[str] = ()) -> list[Text]:
    """Lines of uint8 (H, W, 3) sRGB that look like watermarks; their boxes are those of the bands read.

    What finds text overlooks large faint letters over texture; what reads them, once shown the place, does not. Read
    are bands through the centre, level, upright and on diagonals, in the local lows, and bands along the edges in the
    luma. Kept are readings with words of watermarks (`lexical` with `words`), and in the centre clear readings of six
    letters or more of which `found` has no more than pieces there: a sign that stands in the centre was found whole.
    """
    kept = []
    for shown, central in ((detail_of_lows(pixels), True), (detail_of_luma(pixels), False)):
        height, width = shown.shape
        scale = np.array([pixels.shape[1] / width, pixels.shape[0] / height])
        for band in _central(height, width) if central else _along_edges(height, width):
            corners = _corners(band)
            text, sure = read_line(_cut(shown, corners, band))
            box = corners * scale
            clear = central and sure >= _SURE and sum(letter.isalpha() for letter in text) >= _LETTERS
            if lexical(text, words) >= _WORDS or (clear and not any(_whole(text, box, other) for other in found)):
                kept.append(Text(text, sure, tuple((float(x), float(y)) for x, y in box)))
    return kept


def _whole(text: str, box: NDArray[np.float64], other: Text) -> bool:
    """Whether `other` touches the band and is no mere piece of its `text`."""
    shared, _ = cv2.intersectConvexConvex(box.astype(np.float32), np.array(other.corners, dtype=np.float32))
    own, others = normalised(text), normalised(other.text)
    return float(shared) > 0.0 and not (others in own and len(others) <= _PIECE * len(own))


def _central(height: int, width: int) -> list[_Band]:
    short = min(height, width)
    bands = []
    for turn, part in _CENTRAL:
        tall = part * short
        sine, cosine = abs(math.sin(math.radians(turn))), abs(math.cos(math.radians(turn)))
        room = min(width / max(cosine, 1e-9), height / max(sine, 1e-9))
        bands.append(_Band(width / 2, height / 2, min(_CENTRAL_ASPECT * tall, 0.98 * room), tall, turn))
    return bands


def _along_edges(height: int, width: int) -> list[_Band]:
    short = min(height, width)
    bands = []
    for part in _AT_EDGE:
        tall, gap = part * short, _GAP * short
        length = min(_EDGE_ASPECT * tall, width - 2 * gap)
        for y in (gap + tall / 2, height - gap - tall / 2):
            for x in (gap + length / 2, width - gap - length / 2):
                bands.append(_Band(x, y, length, tall, 0))
    tall, gap = _AT_EDGE[1] * short, _GAP * short
    length = min(_EDGE_ASPECT * tall, height - 2 * gap)
    for x in (gap + tall / 2, width - gap - tall / 2):
        bands += [_Band(x, height / 2, length, tall, turn) for turn in (-90, 90)]
    return bands


def _corners(band: _Band) -> NDArray[np.float64]:
    """Clockwise from where the line starts, (4, 2) of (x, y)."""
    turn = math.radians(band.turn)
    along = np.array([math.cos(turn), math.sin(turn)]) * band.length / 2
    down = np.array([-math.sin(turn), math.cos(turn)]) * band.height / 2
    centre = np.array([band.x, band.y])
    return np.array([centre - along - down, centre + along - down, centre + along + down, centre - along + down])


def _cut(shown: NDArray[np.uint8], corners: NDArray[np.float64], band: _Band) -> NDArray[np.uint8]:
    """The band, level and of the height that is read."""
    width = max(_HEIGHT, round(_HEIGHT * band.length / max(band.height, 1.0)))
    target = np.array([[0, 0], [width, 0], [width, _HEIGHT]], dtype=np.float32)
    warp = cv2.getAffineTransform(corners[:3].astype(np.float32), target)
    shrinking = band.height / _HEIGHT
    smooth = cv2.GaussianBlur(shown, (0, 0), 0.4 * shrinking) if shrinking > 1.5 else shown
    line = cv2.warpAffine(smooth, warp, (width, _HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(line, dtype=np.uint8)
