"""From evidence to the probability of a watermark."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filters.watermark.blend import see_through
from filters.watermark.lexicon import lexical
from filters.watermark.overlay import Lattice
from filters.watermark.position import place
from filters.watermark.repetition import repeated
from filters.watermark.text import Text

#: Log odds of a text with no evidence at all, and what full evidence of each kind adds.
PRIOR, LEXICON, EDGE, CENTRE, STRAIGHT, SEE_THROUGH, REPEATED = -5.0, 7.0, 4.4, 4.6, 1.6, 2.5, 8.0
#: Share of a short text's evidence: a letter tells little, five or more tell all.
_FULL_LENGTH = 5
#: Strength of a lattice at which a watermark is as likely as not, and that which makes it e times as likely.
EVEN, STEP = 4.0, 0.6
#: The same of the share of both diagonals that is a line.
EVEN_SHARE, SHARE_STEP = 0.5, 0.06


@dataclass(frozen=True)
class Judged:
    """A text and the probability that it is a watermark."""

    text: Text
    probability: float


def judge_texts(pixels: NDArray[np.uint8], texts: Sequence[Text], words: Sequence[str] = ()) -> list[Judged]:
    """Each text of uint8 (H, W, 3) sRGB with its probability, most probable first.

    A logistic model: log odds = PRIOR + the weights above times words of watermarks, place at an edge or in the
    centre, straightness and repetition, each in [0, 1]. Edge, centre and straightness count in proportion to the
    recognition's confidence and, below six letters, to the length.
    """
    height, width = pixels.shape[:2]
    judged = []
    for text, again in zip(texts, repeated(texts, width, height), strict=True):
        where = place(text, width, height)
        letters = sum(letter.isalpha() for letter in text.text)
        weight = text.confidence * min(1.0, letters / _FULL_LENGTH)
        odds = PRIOR + LEXICON * lexical(text.text, words) * text.confidence + REPEATED * again
        odds += weight * (EDGE * where.edge + CENTRE * where.centre + STRAIGHT * where.straight)
        odds += weight * SEE_THROUGH * see_through(pixels, text)
        judged.append(Judged(text, _logistic(odds)))
    return most_probable(judged)


def most_probable(judged: Sequence[Judged]) -> list[Judged]:
    """The most probable first."""
    return sorted(judged, key=lambda one: (-one.probability, one.text.corners))


def judge_lattice(lattice: Lattice | None) -> float:
    """Probability that the lattice is of a mark; 0 where there is none."""
    return 0.0 if lattice is None else _logistic((lattice.strength - EVEN) / STEP)


def judge_crossing(share: float) -> float:
    """Probability that lines along this share of the diagonals were drawn; 0 where it is NaN."""
    return 0.0 if math.isnan(share) else _logistic((share - EVEN_SHARE) / SHARE_STEP)


def either(probabilities: Sequence[float]) -> float:
    """Probability that at least one of independent findings holds; 0 for none."""
    return 1.0 - math.prod(1.0 - p for p in probabilities)


def as_json(judged: Sequence[Judged]) -> str:
    """The texts with confidence, probability and box (x, y, x, y, ... in pixels), as JSON."""
    return json.dumps(
        [
            {
                "text": one.text.text,
                "confidence": round(one.text.confidence, 3),
                "probability": round(one.probability, 3),
                "box": [round(value, 1) for corner in one.text.corners for value in corner],
            }
            for one in judged
        ],
        ensure_ascii=False,
    )


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, odds))))
