"""Records as bytes that cross a process wall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import pyarrow as pa

from schemas.record import Record

Row = TypeVar("Row", bound=Record)


def to_stream(kind: type[Row], rows: Sequence[Row]) -> bytes:
    """An Arrow stream of the rows."""
    table = kind.to_table(rows)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def from_stream(kind: type[Row], data: bytes) -> list[Row]:
    """The rows of `to_stream`."""
    return kind.from_table(pa.ipc.open_stream(data).read_all())
