"""Decode and score the clean target."""

from __future__ import annotations

from filters.decode_errors import DecodeError
from filters.decoding import Decoded, decode
from filters.scoring import score_source
from pipeline.encoding import clean_extension
from pipeline.stages.stage import ItemStage
from pipeline.unit import Item
from schemas.recipe.decode import DecodeSection


class Screen(ItemStage):
    """Decodes to upright sRGB and scores the clean image, once for neighbouring variants of one source.

    An image that cannot be decoded is rejected with the decoder's reason; scores alone reject nothing here.
    """

    name = "screen"

    def __init__(self, section: DecodeSection) -> None:
        self._max_pixels = section.max_pixels
        self._last: tuple[str, Decoded | DecodeError, dict[str, float]] | None = None

    def process(self, item: Item) -> None:
        if self._last is None or self._last[0] != item.row.sha256:
            self._last = (item.row.sha256, *self._screen(item.data))
        _, decoded, scores = self._last
        if isinstance(decoded, DecodeError):
            item.reasons, item.error = [decoded.reason], decoded.message
            return
        item.clean, item.clip, item.clean_unchanged = decoded.pixels, decoded.clip, decoded.unchanged
        item.clean_format = clean_extension(decoded)
        row = item.row
        likeness = {
            "source.near_duplicate_distance": float(row.near_duplicate_distance),
            "source.similarity": row.similarity,
        }
        item.scores = {**scores, **likeness}

    def _screen(self, data: bytes) -> tuple[Decoded | DecodeError, dict[str, float]]:
        try:
            decoded = decode(data, self._max_pixels)
        except DecodeError as error:
            return error, {}
        return decoded, score_source(decoded.pixels)
