"""Files that exist whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def committing(path: Path, temporary: Path) -> Iterator[Path]:
    """A new path in the folder `temporary` (made if missing, on the same file system); renamed to `path` on success.

    The data reach the disk before the rename, so a crash leaves either no file or the whole one. On an exception the
    temporary file is removed and `path` stays as it was.
    """
    temporary.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=path.name + ".", dir=temporary)
    os.close(descriptor)
    scratch = Path(name)
    try:
        yield scratch
        with scratch.open("rb") as written:
            os.fsync(written.fileno())
        scratch.chmod(0o644)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, data: bytes, temporary: Path) -> None:
    """Writes `data` to `path` through a temporary file."""
    with committing(path, temporary) as scratch:
        scratch.write_bytes(data)
