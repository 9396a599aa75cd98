"""Encode accepted real pairs, and thumbnails of the others."""

from __future__ import annotations

from pipeline.encoding import encode_lossless, thumbnail
from pipeline.members import describe, text_member
from pipeline.stages.stage import ItemStage
from pipeline.text.texts import texts_of_recognised
from pipeline.unit import Item
from schemas.recipe.shards import ShardSection
from schemas.recipe.text import TextSection


class EncodePhotograph(ItemStage):
    """Members `lq.EXT` and `gt.png`, both lossless, `json`, and `text.json` where the recipe wants texts."""

    name = "encode"

    def __init__(self, section: ShardSection, text: TextSection) -> None:
        self._format = section.degraded_format
        self._text = text

    def process(self, item: Item) -> None:
        row = item.row
        if item.reasons:
            pictures = {"degraded": item.degraded, "clean": item.clean}
            item.thumbnails = {name: thumbnail(pixels) for name, pixels in pictures.items() if pixels is not None}
            return
        assert item.clean is not None and item.degraded is not None and item.trace is not None
        item.texts = texts_of_recognised(
            row.sample_key, [(row.degradation, row.severity or None)], item.task, self._text
        )
        item.members = {
            f"lq.{self._format}": encode_lossless(item.degraded, self._format),
            "gt.png": encode_lossless(item.clean, "png"),
            "json": describe(row, item.task, item.scores, item.trace),
            **text_member(item.texts),
        }
