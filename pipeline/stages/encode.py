"""Encode the members of accepted samples."""

from __future__ import annotations

import math

from pipeline.encoding import encode_lossless
from pipeline.stages.stage import ItemStage
from pipeline.unit import Item
from schemas.recipe.shards import ShardSection
from schemas.record import canonical_json
from schemas.tasks import TASKS


class Encode(ItemStage):
    """Members `lq.EXT` (lossless), `gt.EXT` (the source's own bytes if nothing had to change, else PNG), `json`."""

    name = "encode"

    def __init__(self, section: ShardSection) -> None:
        self._format = section.degraded_format

    def process(self, item: Item) -> None:
        if item.reasons:
            return
        assert item.clean is not None and item.degraded is not None and item.trace is not None
        members = {f"lq.{self._format}": encode_lossless(item.degraded, self._format)}
        members[f"gt.{item.clean_format}"] = item.data if item.clean_unchanged else encode_lossless(item.clean, "png")
        members["json"] = canonical_json(_description(item)).encode()
        item.members = members


#: Measured against the other sources, so it belongs to the ledger: a sample depends on its own bytes alone.
_OF_THE_SET = "source.near_duplicate_distance"


def _description(item: Item) -> dict[str, object]:
    assert item.trace is not None
    row, prompts = item.row, TASKS[item.task]
    return {
        "key": row.sample_key,
        "task": item.task,
        "degradation": row.degradation,
        "severity": row.severity,
        "curriculum": row.curriculum,
        "role": row.role,
        "prompts": {"en": prompts.en, "zh": prompts.zh},
        "scores": {
            name: None if math.isnan(value) else value for name, value in item.scores.items() if name != _OF_THE_SET
        },
        "trace": item.trace.model_dump(mode="json"),
    }
