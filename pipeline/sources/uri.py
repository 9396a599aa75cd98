"""Reading the bytes behind a uri.

A uri is an absolute path, or `tar:PATH#OFFSET+SIZE/MEMBER` for bytes inside a tar, or `parquet:PATH#COLUMN/ROW` for a
cell of a Parquet file.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def tar_uri(path: Path, offset: int, size: int, member: str) -> str:
    """The uri of `size` bytes at `offset` of an uncompressed tar, which hold `member`."""
    return f"tar:{path}#{offset}+{size}/{member}"


def parquet_uri(path: Path, column: str, row: int) -> str:
    """The uri of a cell: bytes, a path, or a struct with `bytes` and `path` as Hugging Face's image feature has it."""
    return f"parquet:{path}#{column}/{row}"


def read_uri(uri: str) -> bytes:
    """The encoded bytes behind `uri`.

    Raises OSError when they cannot be read and ValueError when the uri or the cell is unusable.
    """
    if uri.startswith("tar:"):
        path, _, place = uri.removeprefix("tar:").rpartition("#")
        extent = place.partition("/")[0]
        offset, _, size = extent.partition("+")
        return _read_extent(path, int(offset), int(size))
    if uri.startswith("parquet:"):
        path, _, place = uri.removeprefix("parquet:").rpartition("#")
        column, _, row = place.rpartition("/")
        return _read_cell(Path(path), column, int(row))
    return Path(uri).read_bytes()


def _read_extent(path: str, offset: int, size: int) -> bytes:
    with Path(path).open("rb") as file:
        file.seek(offset)
        data = file.read(size)
    if len(data) != size:
        raise ValueError(f"{path}: holds {len(data)} of the {size} bytes at {offset}; the tar was cut off or changed")
    return data


def _read_cell(path: Path, column: str, row: int) -> bytes:
    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if row < rows:
            return _bytes_of(_row_group(path, path.stat().st_mtime_ns, group, column)[row].as_py(), path)
        row -= rows
    raise ValueError(f"{path}: has no row {row} in its last row group; the file changed since the plan was made")


@lru_cache(maxsize=2)
def _row_group(path: Path, modified: int, group: int, column: str) -> pa.ChunkedArray:
    """One column of one row group; neighbouring rows share it. `modified` keeps a changed file from being served."""
    return pq.ParquetFile(path).read_row_group(group, columns=[column])[column]


def _bytes_of(cell: object, path: Path) -> bytes:
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path")
    if isinstance(cell, bytes):
        return cell
    if isinstance(cell, str):
        image = Path(cell)
        return (image if image.is_absolute() else path.parent / image).read_bytes()
    raise ValueError(f"{path}: the cell holds {type(cell).__name__}, not bytes or a path")
