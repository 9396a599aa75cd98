"""Reading the members of one sample out of its shard."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pipeline.dataset import Dataset
from schemas.ledger import LedgerRow
from schemas.shard import ShardIndexRow


def stored_members(dataset: Dataset, row: LedgerRow, index: Sequence[ShardIndexRow]) -> dict[str, bytes]:
    """The members of a sample as its shard holds them, but for texts; none where no shard holds it.

    Raises ValueError where they are not what was written.
    """
    members: dict[str, bytes] = {}
    if not any(entry.key == row.sample_key for entry in index):
        return members
    with (dataset.shards / Path(row.shard).name).open("rb") as shard:
        for entry in index:
            if entry.key == row.sample_key and entry.member != "text.json":
                shard.seek(entry.offset)
                data = shard.read(entry.size)
                if hashlib.sha256(data).hexdigest() != entry.sha256:
                    raise ValueError(f"{row.shard}: {entry.member} of {row.sample_key} is damaged; synthesize again")
                members[entry.member] = data
    return members
