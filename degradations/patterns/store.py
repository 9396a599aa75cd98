"""Files of a bank in a folder or an object store."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import fs

from degradations.patterns.errors import PatternError
from degradations.patterns.files import write_atomically


class Store:
    """A flat folder of files behind `uri`: a path, or s3://, gs://, hdfs:// as pyarrow.fs reads them.

    Raises PatternError for a uri that cannot be used.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        try:
            if "://" in uri:
                self._files, self._root = fs.FileSystem.from_uri(uri)
            else:
                self._files, self._root = fs.LocalFileSystem(), str(Path(uri).expanduser().absolute())
        except (pa.ArrowInvalid, OSError, ValueError) as error:
            raise PatternError(f"{uri!r} is no usable folder or object-store uri ({error})") from error

    def inside(self, name: str) -> Store:
        """The folder `name` of this one."""
        store = Store.__new__(Store)
        place, mark, options = self.uri.partition("?")
        store.uri = f"{place.rstrip('/')}/{name}{mark}{options}"
        store._files, store._root = self._files, f"{self._root}/{name}"
        return store

    def names(self) -> list[str]:
        """File names, sorted; none where the folder does not exist."""
        selector = fs.FileSelector(self._root, allow_not_found=True)
        return sorted(info.base_name for info in self._files.get_file_info(selector) if info.type == fs.FileType.File)

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises OSError."""
        with self._files.open_input_stream(f"{self._root}/{name}", compression=None) as stream:
            return bytes(stream.read())

    def open(self, name: str) -> pa.NativeFile:
        """A file for reading at any position, by several threads. Raises OSError."""
        return self._files.open_input_file(f"{self._root}/{name}")

    def write(self, name: str, data: bytes) -> None:
        """Writes a file whole or not at all (an object store shows an object once it is complete). Raises OSError."""
        if isinstance(self._files, fs.LocalFileSystem):
            write_atomically(Path(self._root) / name, data)
            return
        self._files.create_dir(self._root, recursive=True)
        with self._files.open_output_stream(f"{self._root}/{name}", compression=None) as stream:
            stream.write(data)

    def delete(self, name: str) -> None:
        """Removes a file. Raises OSError."""
        self._files.delete_file(f"{self._root}/{name}")
