"""Decode and score a real photograph."""

from __future__ import annotations

from filters.decode_errors import DecodeError
from filters.decoding import decode
from filters.scoring import score_source
from pipeline.harvest.photograph import shrunk
from pipeline.stages.stage import ItemStage
from pipeline.unit import Item
from schemas.recipe import Recipe


class ScreenPhotograph(ItemStage):
    """Decodes to upright sRGB, shrinks to `harvest.pixels`, and scores `input.*` as clean targets are scored."""

    name = "screen"

    def __init__(self, recipe: Recipe) -> None:
        self._most, self._kept = recipe.decode.max_pixels, recipe.harvest.pixels

    def process(self, item: Item) -> None:
        try:
            decoded = decode(item.data, self._most)
        except DecodeError as error:
            item.reasons, item.error = [error.reason], error.message
            return
        item.degraded = shrunk(decoded.pixels, self._kept)
        scores = score_source(item.degraded)
        item.scores = {name.replace("source.", "input.", 1): value for name, value in scores.items()}
        item.scores["source.near_duplicate_distance"] = float(item.row.near_duplicate_distance)
        item.scores["source.similarity"] = item.row.similarity
