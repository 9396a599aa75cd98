"""Encode the members of accepted samples, and thumbnails of rejected ones."""

from __future__ import annotations

from pipeline.encoding import encode_lossless, thumbnail
from pipeline.members import describe
from pipeline.stages.stage import ItemStage
from pipeline.unit import Item
from schemas.recipe.shards import ShardSection


class Encode(ItemStage):
    """Members `lq.EXT` (lossless), `gt.EXT` (the source's own bytes if nothing had to change, else PNG), `json`."""

    name = "encode"

    def __init__(self, section: ShardSection) -> None:
        self._format = section.degraded_format

    def process(self, item: Item) -> None:
        assert item.clean is not None and item.degraded is not None and item.trace is not None
        if item.reasons:
            item.thumbnails = {"degraded": thumbnail(item.degraded), "clean": thumbnail(item.clean)}
            return
        item.members = {
            f"lq.{self._format}": encode_lossless(item.degraded, self._format),
            f"gt.{item.clean_format}": item.data if item.clean_unchanged else encode_lossless(item.clean, "png"),
            "json": describe(item.row, item.task, item.scores, item.trace),
        }
