"""Commit a unit: shard, index, thumbnails and ledger part."""

from __future__ import annotations

import pyarrow.parquet as pq

from degradations.chain import task_of
from pipeline.dataset import Dataset
from pipeline.files import committing
from pipeline.shards.writer import ShardSample, write_shard
from pipeline.unit import Item, Unit
from schemas.ledger import LedgerRow
from schemas.recipe.degradations import DegradationsSection
from schemas.shard import ShardIndexRow
from schemas.thumbnail import Thumbnail


class Write:
    """Writes the accepted samples to one shard, then its index, the thumbnails of rejected ones, and then the ledger
    part that marks the unit as done. A unit with rows that a filter failed on is marked to be done again.

    Each is written to a temporary name and renamed, so a kill at any moment leaves a unit done or not begun.
    """

    def __init__(self, dataset: Dataset, section: DegradationsSection) -> None:
        self._dataset = dataset
        self._section = section

    def __call__(self, unit: Unit) -> Unit:
        dataset = self._dataset
        stem = dataset.stem(unit.number, unit.split)
        shard = f"{stem}.tar"
        samples = [ShardSample(item.row, item.task, item.members) for item in unit.items if item.verdict == "accepted"]
        with committing(dataset.shards / shard, dataset.temporary) as scratch:
            index = write_shard(scratch, shard, samples)
        with committing(dataset.index / f"{stem}.parquet", dataset.temporary) as scratch:
            pq.write_table(ShardIndexRow.to_table(index), scratch)
        thumbnails = [
            Thumbnail(sample_key=item.row.sample_key, **item.thumbnails) for item in unit.items if item.thumbnails
        ]
        with committing(dataset.thumbnails / f"{stem}.parquet", dataset.temporary) as scratch:
            pq.write_table(Thumbnail.to_table(thumbnails), scratch)
        mark = dataset.unscored / stem
        unscored = any(item.unscored for item in unit.items)
        if unscored:
            mark.touch()
        with committing(dataset.ledger / f"{stem}.parquet", dataset.temporary) as scratch:
            pq.write_table(LedgerRow.to_table([self._ledger_row(item, shard) for item in unit.items]), scratch)
        if not unscored:
            mark.unlink(missing_ok=True)
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
