"""Writing one shard: an ordinary WebDataset tar, equal bytes for equal samples."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from filters.containers import open_header
from schemas.ledger import LedgerRow
from schemas.plan import PlanRow
from schemas.shard import ShardIndexRow

#: Kinds of members that are pictures: degraded and clean.
PICTURES = ("lq", "gt")


class ShardSample(NamedTuple):
    """One accepted sample: its row, its task and its encoded members by extension (`lq.png`, `gt.jpg`, `json`)."""

    row: PlanRow | LedgerRow
    task: str
    members: Mapping[str, bytes]


def write_shard(path: Path, name: str, samples: Sequence[ShardSample]) -> list[ShardIndexRow]:
    """Writes the samples to a new tar at `path`, in the order given, and returns its index.

    name: the file name that the shard will have once committed. Headers hold no time, owner or path, so equal samples
    give equal bytes; members of a sample lie together, sorted by extension. Raises ValueError for a key with a dot,
    because a tar member's key ends at the first one.
    """
    index = []
    with path.open("wb") as raw, tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for sample in samples:
            key = sample.row.sample_key
            if "." in key:
                raise ValueError(f"sample key {key!r} holds a dot; keys end at the first dot of a member's name")
            for member in sorted(sample.members):
                data = sample.members[member]
                header = tarfile.TarInfo(f"{key}.{member}")
                header.size = len(data)
                header.mode = 0o644
                offset = tar.offset + len(header.tobuf(tar.format))
                tar.addfile(header, io.BytesIO(data))
                width, height = open_header(data)[0].size if member.partition(".")[0] in PICTURES else (0, 0)
                index.append(
                    ShardIndexRow(
                        shard=name,
                        key=key,
                        member=member,
                        offset=offset,
                        size=len(data),
                        sha256=hashlib.sha256(data).hexdigest(),
                        task=sample.task,
                        degradation=sample.row.degradation,
                        severity=sample.row.severity,
                        curriculum=sample.row.curriculum,
                        role=sample.row.role,
                        split=sample.row.split,
                        width=width,
                        height=height,
                    )
                )
    return index
