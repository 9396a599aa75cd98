"""The same text at several places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from filters.watermark.lexicon import normalised
from filters.watermark.position import angle
from filters.watermark.text import Text

#: Letters that two readings share at least, to be of one text.
_LETTERS = 3
#: Most that heights may differ, as a ratio, and angles, in degrees.
_HEIGHTS, _ANGLES = 1.35, 4.0
#: Tolerance of distances, as a part of the long side.
_TOLERANCE = 0.015


def repeated(texts: Sequence[Text], width: int, height: int) -> list[float]:
    """For each text, in [0, 1], how much it repeats: 0 for up to two alike, 1 for a lattice.

    Alike are texts of one size and direction of which one reading holds the other. Of the vectors between their
    places, those that recur say that they were set out at equal distances: a third for each that does, and at least
    a third for three alike.
    """
    letters = [normalised(text.text) for text in texts]
    sizes = [_height(text) for text in texts]
    angles = [angle(text) for text in texts]
    centres = [np.mean(np.array(text.corners), axis=0) for text in texts]
    out = []
    for one in range(len(texts)):
        group = [
            other
            for other in range(len(texts))
            if _alike(letters[one], letters[other])
            and max(sizes[one], sizes[other]) <= _HEIGHTS * min(sizes[one], sizes[other])
            and abs(angles[one] - angles[other]) <= _ANGLES
        ]
        if len(group) < 3:
            out.append(0.0)
            continue
        recurring = _recurring(np.array([centres[n] for n in group]), _TOLERANCE * max(width, height))
        out.append(min(1.0, max(1, recurring) / 3.0))
    return out


def _alike(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= _LETTERS and shorter in longer


def _height(text: Text) -> float:
    corners = np.array(text.corners)
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    return max(float(np.min(sides)), 1.0)


def _recurring(centres: np.ndarray, tolerance: float) -> int:
    """How many of the vectors between places equal another such vector, each pair counted once."""
    first, second = np.triu_indices(len(centres), 1)
    vectors = centres[second] - centres[first]
    gaps = np.hypot(*np.moveaxis(vectors[:, None] - vectors[None], 2, 0))
    opposite = np.hypot(*np.moveaxis(vectors[:, None] + vectors[None], 2, 0))
    same = np.minimum(gaps, opposite) < tolerance
    return int(np.count_nonzero(same.sum(axis=1) > 1)) // 2
