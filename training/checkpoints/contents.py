"""What lies in the folder of one checkpoint beside its tensors, and whether all of it is there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from schemas.errors import CheckpointError

STATE = "state.json"
_CONTENTS = "contents.json"


@dataclass(frozen=True)
class Contents:
    """The tables of contents of a checkpoint, `contents.json`.

    files: size in bytes of each file of tensors, by its name. same: tensors that share the memory of another one and
    are written once, under the name given here.
    """

    files: dict[str, int]
    same: dict[str, str]

    def write(self, folder: Path) -> None:
        """Writes it into the folder of a checkpoint, durably."""
        write_durably(folder / _CONTENTS, asdict(self))

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Reads it and compares the files with it.

        A file's size and, as it is opened, its header are checked; flipped bits are the storage's to find, since a
        digest would mean reading on every process what it has no part in.

        Raises CheckpointError that names what is missing or has another size, and the remedy.
        """
        read = read_json(folder, _CONTENTS)
        try:
            contents = cls(dict(read["files"]), dict(read["same"]))
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(folder, _CONTENTS, repr(error)) from error
        for name, size in contents.files.items():
            file = folder / name
            there = file.stat().st_size if file.is_file() else None
            if there != size:
                raise damaged(folder, name, "missing" if there is None else f"{there} bytes, {size} were written")
        return contents


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """A JSON object in a checkpoint. Raises CheckpointError when it is missing or no JSON."""
    if not folder.is_dir():
        raise CheckpointError(f"checkpoint {folder}: is not there; put it back, or train again in another folder")
    try:
        return dict(json.loads((folder / name).read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise damaged(folder, name, str(error)) from error


def damaged(folder: Path, name: str, what: str) -> CheckpointError:
    """The error of a checkpoint that cannot be read."""
    return CheckpointError(
        f"checkpoint {folder}: {name} is damaged ({what}); delete the folder {folder.name}, and the run goes on from "
        "the checkpoint before it"
    )


def write_durably(file: Path, value: Mapping[str, Any] | str) -> None:
    """Writes JSON, or text that is JSON already, and returns when the storage has it."""
    text = value if isinstance(value, str) else json.dumps(value, indent=1, sort_keys=True)
    file.write_text(text, encoding="utf-8")
    sync(file)


def sync(path: Path) -> None:
    """Returns when the storage has the file, or the names in the folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
