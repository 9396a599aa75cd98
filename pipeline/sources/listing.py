"""Listing the uris of a source section, in a fixed order."""

from __future__ import annotations

import glob
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.sources.uri import parquet_uri, tar_uri
from schemas.errors import RecipeError
from schemas.recipe.sources import SourceSection

IMAGE_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".tif",
        ".tiff",
        ".bmp",
        ".gif",
        ".avif",
        ".jp2",
        ".ppm",
        ".pgm",
        ".heic",
        ".jxl",
    ]
)


def list_uris(section: SourceSection) -> list[str]:
    """The uris of one source section, sorted by path and by position inside a file.

    A folder is searched in depth for files with an image suffix, hidden ones left out; a glob is taken as it is.
    Raises RecipeError when nothing is found or a container cannot be read.
    """
    listed = list(_LISTERS[section.kind](section))
    if not listed:
        raise RecipeError(
            f"sources.path: nothing of kind {section.kind!r} found at {section.path!r}; "
            "name an existing file, folder or glob"
        )
    return listed


def _files(section: SourceSection, suffixes: frozenset[str]) -> list[Path]:
    root = Path(section.path).expanduser()
    if root.is_dir():
        found = [
            path
            for path in root.rglob("*")
            if path.suffix.lower() in suffixes
            and not any(part.startswith(".") for part in path.relative_to(root).parts)
        ]
    elif root.exists():
        found = [root]
    else:
        found = [Path(name) for name in glob.glob(str(root), recursive=True)]  # noqa: PTH207 (an absolute pattern)
    return sorted(path.absolute() for path in found if not path.is_dir())


def _list_images(section: SourceSection) -> Iterator[str]:
    yield from map(str, _files(section, IMAGE_SUFFIXES))


def _list_webdataset(section: SourceSection) -> Iterator[str]:
    for path in _files(section, frozenset({".tar"})):
        try:
            with tarfile.open(path, mode="r:") as tar:
                for member in tar:
                    if member.isfile() and Path(member.name).suffix.lower() in IMAGE_SUFFIXES:
                        yield tar_uri(path, member.offset_data, member.size, member.name)
        except (tarfile.TarError, OSError) as error:
            raise RecipeError(f"sources.path: {path} is no readable uncompressed tar ({error}); unpack it") from error


def _list_parquet(section: SourceSection) -> Iterator[str]:
    for path in _files(section, frozenset({".parquet"})):
        try:
            file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise RecipeError(f"sources.path: {path} is no readable Parquet file ({error})") from error
        if section.column not in file.schema_arrow.names:
            raise RecipeError(
                f"sources.column: {path} has no column {section.column!r}; it has {', '.join(file.schema_arrow.names)}"
            )
        for row in range(file.metadata.num_rows):
            yield parquet_uri(path, section.column, row)


def _list_clips(section: SourceSection) -> Iterator[str]:
    yield from map(str, _files(section, frozenset({".mkv"})))


_LISTERS = {"images": _list_images, "clips": _list_clips, "webdataset": _list_webdataset, "parquet": _list_parquet}
