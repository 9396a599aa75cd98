"""The two filters that need no weights but those that rapidocr's package carries."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property

from filters.contract import Finding, Image
from filters.watermark.bands import read_bands
from filters.watermark.crossing import crossing
from filters.watermark.model import as_json, either, judge_crossing, judge_lattice, judge_texts, most_probable
from filters.watermark.overlay import find_lattice
from filters.watermark.text import SMALLEST, find_text, load_text_reader, models_digest, require_rapidocr

#: Version of the measures and of their weights.
_MEASURES = "1"
#: Probability from which on a text found makes it needless to look for more.
_SURE = 0.5


class OverlayWatermark:
    """Overlays that repeat on a lattice, and lines from corner to corner.

    Scores: watermark.overlay, the probability of either, in [0, 1], and watermark, the same; NaN for pictures
    of less than 64 pixels a side.
    """

    name = "watermark"
    provider = "overlay"
    version = _MEASURES

    def load(self) -> None:
        """Nothing to load."""

    def score(self, images: Sequence[Image]) -> list[Finding]:
        """A finding for each picture, uint8 (H, W, 3) sRGB."""
        found = [overlay_probability(image) for image in images]
        return [Finding({"watermark": p, "watermark.overlay": p}) for p in found]


class TextWatermark:
    """Text by rapidocr, judged by words, place and repetition; and overlays.

    Scores, all in [0, 1]: watermark.text, the probability of the most probable text (0 without any);
    watermark.overlay as above; watermark, that of either. The answer watermark.texts is JSON: every text with its
    confidence, probability and box.
    words: of watermarks, beside those known. Raises RecipeError where rapidocr is not installed.
    """

    name = "watermark"
    provider = "rapidocr"

    def __init__(self, words: Sequence[str] = ()) -> None:
        require_rapidocr()
        self._words = tuple(words)

    @cached_property
    def version(self) -> str:
        """16 hex of the networks' files, the words and the measures."""
        whole = "\0".join((models_digest(), _MEASURES, *self._words))
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    def load(self) -> None:
        """Loads the networks. Raises RecipeError when they cannot be used."""
        load_text_reader()

    def score(self, images: Sequence[Image]) -> list[Finding]:
        """A finding for each picture, uint8 (H, W, 3) sRGB."""
        return [self._score(image) for image in images]

    def _score(self, image: Image) -> Finding:
        found = find_text(image)
        judged = judge_texts(image, found, self._words)
        if (not judged or judged[0].probability < _SURE) and min(image.shape[:2]) >= SMALLEST:
            more = judge_texts(image, read_bands(image, found, self._words), self._words)
            judged = most_probable([*judged, *more])
        text = judged[0].probability if judged else 0.0
        overlay = overlay_probability(image)
        whole = either([text] if math.isnan(overlay) else [text, overlay])
        scores = {"watermark": whole, "watermark.text": text, "watermark.overlay": overlay}
        return Finding(scores, {"watermark.texts": as_json(judged)} if judged else {})


def overlay_probability(image: Image) -> float:
    """Probability of an overlay that repeats or crosses the picture; NaN where the picture is too small to tell."""
    if min(image.shape[:2]) < 64:
        return math.nan
    return either([judge_lattice(find_lattice(image)), judge_crossing(crossing(image))])
