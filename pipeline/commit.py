"""Committing a unit to a dataset: shard, index, thumbnails, texts, and the ledger part that makes it done."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.parquet as pq

from pipeline.dataset import Dataset
from pipeline.files import committing
from pipeline.shards.writer import ShardSample, write_shard
from schemas.ledger import LedgerRow
from schemas.shard import ShardIndexRow
from schemas.text import TextRow
from schemas.thumbnail import Thumbnail


def commit_unit(
    dataset: Dataset,
    stem: str,
    samples: Sequence[ShardSample],
    rows: Sequence[LedgerRow],
    thumbnails: Sequence[Thumbnail] = (),
    texts: Sequence[TextRow] = (),
) -> None:
    """Writes one shard with the samples, its index, the thumbnails, the texts, and last the ledger rows.

    Each is written to a temporary name and renamed, so a kill at any moment leaves a unit done or not begun; one that
    was done before, and is done again, leaves index and ledger just before its new files come. A unit with rows that a
    filter failed on is marked to be done again.
    """
    dataset.reopen(stem)
    shard = f"{stem}.tar"
    with committing(dataset.shards / shard, dataset.temporary) as scratch:
        index = write_shard(scratch, shard, samples)
    with committing(dataset.index / f"{stem}.parquet", dataset.temporary) as scratch:
        pq.write_table(ShardIndexRow.to_table(index), scratch)
    with committing(dataset.thumbnails / f"{stem}.parquet", dataset.temporary) as scratch:
        pq.write_table(Thumbnail.to_table(thumbnails), scratch)
    with committing(dataset.texts / f"{stem}.parquet", dataset.temporary) as scratch:
        pq.write_table(TextRow.to_table(texts), scratch)
    mark = dataset.unscored / stem
    unscored = any(row.unscored for row in rows)
    if unscored:
        mark.touch()
    with committing(dataset.ledger / f"{stem}.parquet", dataset.temporary) as scratch:
        pq.write_table(LedgerRow.to_table(rows), scratch)
    if not unscored:
        mark.unlink(missing_ok=True)
