"""Where a dataset that is only read lies: a folder or an object store."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa

from degradations.patterns.errors import PatternError
from degradations.patterns.store import Store
from schemas.errors import DatasetError

T = TypeVar("T")

#: Seconds before each further attempt after a failed one.
WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)
#: Small files that are read at once.
_TOGETHER = 16
#: Files of a place that are held open. Those of a folder take a descriptor each, of which a process has few; those of a
#: store take none, but a request to open.
_OPEN, _OPEN_REMOTE = 32, 4096
#: What an answer of a store says that no further attempt changes.
_FINAL = (
    "ACCESS_DENIED",
    "HTTP status 401",
    "HTTP status 403",
    "INVALID_ACCESS_KEY",
    "SIGNATURE_DOES_NOT_MATCH",
    "NO_SUCH_BUCKET",
    "NO_SUCH_KEY",
)


class Place:
    """Files below `root`: a path, or s3://, gs://, hdfs:// as pyarrow.fs reads them. Nothing is written anywhere.

    A failed request is repeated a few times with growing pauses. Threads may share it, and it can be pickled.
    Credentials of a store come from the environment, as its own tools read them.

    Raises DatasetError for a root that cannot be used or names credentials, and where reading fails for good.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        self.remote = "://" in self.root
        if self.remote and "@" in urlsplit(self.root).netloc:
            raise DatasetError(
                f"{self.root.partition('://')[0]}://…: a dataset's place holds no credentials; give them in the "
                "environment, for instance as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        try:
            self._store = Store(self.root)
        except PatternError as error:
            raise DatasetError(str(error)) from error
        self._files = _OpenFiles(_OPEN_REMOTE if self.remote else _OPEN)

    def names(self, folder: str) -> list[str]:
        """File names in a folder, sorted; none where it does not exist."""
        return self._persist(f"{folder}/", lambda: self._folder(folder).names())

    def read(self, name: str, folder: str = "") -> bytes | None:
        """The whole of a file; None where there is none."""
        try:
            return self._persist(name, lambda: self._folder(folder).read(name))
        except FileNotFoundError:
            return None

    def read_all(self, folder: str, names: Iterable[str]) -> list[bytes | None]:
        """The files `names` of a folder, several at a time."""
        with ThreadPoolExecutor(_TOGETHER) as pool:
            return list(pool.map(partial(self.read, folder=folder), names))

    def extent(self, folder: str, name: str, offset: int, size: int, what: str) -> bytes:
        """`size` bytes at `offset` of a file by one request; fewer where it ends before. what: named in errors."""

        def part() -> bytes:
            file, end = self._files.get((folder, name), lambda: self._folder(folder).open(name))
            there = max(min(size, end - offset), 0)
            data = bytes(file.read_at(there, offset)) if there else b""
            if len(data) < there:
                raise OSError(f"{len(data)} bytes of {there} came")
            return data

        try:
            return self._persist(f"{folder}/{name}, {what}", part)
        except FileNotFoundError as error:
            raise DatasetError(f"{self.root}: {folder}/{name}, {what}: there is no such file; restore it") from error

    def _folder(self, folder: str) -> Store:
        return self._store.inside(folder) if folder else self._store

    def _persist(self, what: str, request: Callable[[], T]) -> T:
        """Raises FileNotFoundError at once, DatasetError when the last attempt failed."""
        for pause in (*WAITS, None):
            try:
                return request()
            except FileNotFoundError:
                raise
            except OSError as error:
                final = isinstance(error, PermissionError) or any(word in str(error) for word in _FINAL)
                if final or pause is None:
                    remedy = "check its permissions"
                    if self.remote:
                        remedy = "check the connection and the credentials in the environment"
                    attempts = "" if final else f" after {len(WAITS) + 1} attempts"
                    raise DatasetError(
                        f"{self.root}: {what} cannot be read{attempts} ({error}); {remedy} and start again"
                    ) from error
                time.sleep(pause)
        raise AssertionError


class _OpenFiles:
    """The `most` most recently used files, open for reading. Threads may share it; a copy in another process is empty.

    A file that is let go is closed when the last thread has read from it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._files: OrderedDict[tuple[str, str], tuple[pa.NativeFile, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return _OpenFiles, (self._most,)

    def get(self, key: tuple[str, str], make: Callable[[], pa.NativeFile]) -> tuple[pa.NativeFile, int]:
        """The file under `key`, opened by `make` if it is not held, and its size in bytes."""
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
                return self._files[key]
        file = make()
        opened = (file, file.size())
        with self._lock:
            self._files[key] = opened
            while len(self._files) > self._most:
                self._files.popitem(last=False)
        return opened
