"""Commit a unit: shard, index, thumbnails and ledger part."""

from __future__ import annotations

from degradations.chain import task_of
from pipeline.commit import commit_unit
from pipeline.dataset import Dataset
from pipeline.shards.writer import ShardSample
from pipeline.unit import Item, Unit
from schemas.ledger import LedgerRow
from schemas.recipe.degradations import DegradationsSection
from schemas.thumbnail import Thumbnail


class Write:
    """Commits the unit's accepted samples, the thumbnails of its rejected ones and a ledger row of each item."""

    def __init__(self, dataset: Dataset, section: DegradationsSection) -> None:
        self._dataset = dataset
        self._section = section

    def __call__(self, unit: Unit) -> Unit:
        stem = self._dataset.stem(unit.number, unit.split)
        commit_unit(
            self._dataset,
            stem,
            [ShardSample(item.row, item.task, item.members) for item in unit.items if item.verdict == "accepted"],
            [self._ledger_row(item, f"{stem}.tar") for item in unit.items],
            [Thumbnail(sample_key=item.row.sample_key, **item.thumbnails) for item in unit.items if item.thumbnails],
            [text for item in unit.items if item.verdict == "accepted" for text in item.texts],
        )
        return unit

    def _ledger_row(self, item: Item, shard: str) -> LedgerRow:
        row = item.row
        reasons = [item.failed] if item.failed else item.reasons
        return LedgerRow(
            unit=row.unit,
            sample_key=row.sample_key,
            source_key=row.source_key,
            uri=row.uri,
            sha256=row.sha256,
            size=row.size,
            role=row.role,
            split=row.split,
            task=task_of(row.degradation, self._section) if row.degradation else "",
            degradation=row.degradation,
            curriculum=row.curriculum,
            variant=row.variant,
            severity=row.severity,
            near_duplicate_of=row.near_duplicate_of,
            verdict=item.verdict,
            reason=reasons[0] if reasons else "",
            reasons=reasons,
            error=item.error,
            shard=shard if item.verdict == "accepted" else "",
            scores=item.scores,
            answers=item.answers,
            filters=item.filters,
            unscored=item.unscored,
            trace=item.trace,
        )
