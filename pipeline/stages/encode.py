"""Encode the members of accepted samples, and thumbnails of rejected ones."""

from __future__ import annotations

from pipeline.encoding import encode_lossless, thumbnail
from pipeline.members import describe, text_member
from pipeline.stages.stage import ItemStage
from pipeline.text.texts import texts_of
from pipeline.unit import Item
from schemas.recipe.shards import ShardSection
from schemas.recipe.text import TextSection


class Encode(ItemStage):
    """Members `lq.EXT` (lossless), `gt.EXT` (the source's own bytes if nothing had to change, else PNG), `json`, and
    `text.json` where the recipe wants texts.
    """

    name = "encode"

    def __init__(self, section: ShardSection, text: TextSection) -> None:
        self._format = section.degraded_format
        self._text = text

    def process(self, item: Item) -> None:
        assert item.clean is not None and item.degraded is not None and item.trace is not None
        if item.reasons:
            item.thumbnails = {"degraded": thumbnail(item.degraded), "clean": thumbnail(item.clean)}
            return
        item.texts = texts_of(item.trace, item.task, item.row.curriculum, self._text)
        item.members = {
            f"lq.{self._format}": encode_lossless(item.degraded, self._format),
            f"gt.{item.clean_format}": item.data if item.clean_unchanged else encode_lossless(item.clean, "png"),
            "json": describe(item.row, item.task, item.scores, item.trace),
            **text_member(item.texts),
        }
