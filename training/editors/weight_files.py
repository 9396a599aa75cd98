"""Weights in safetensors files, and the check that they are those of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from schemas.errors import CheckpointError

#: Names to shapes, as of a state dict.
Shapes = Mapping[str, tuple[int, ...]]

_LISTED = 60


class WeightFiles:
    """The tensors of one safetensors file, or of a folder with one such file or with several and their index.

    Nothing but headers is read before `tensor` is called, so a model larger than memory can be looked into.
    `prefix`, where every name begins with it, is taken off the names.
    shapes: name → shape. Raises CheckpointError when a file is missing, damaged, or not named by the index.
    """

    def __init__(self, path: Path, prefix: str = "") -> None:
        self.path = path
        self._homes: dict[str, tuple[Any, str]] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        for file in _files(path):
            try:
                opened = safe_open(file, framework="pt")
                found = {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
            except (OSError, SafetensorError) as error:
                raise CheckpointError(f"weights {file}: cannot be read ({error}); copy or export it again") from error
            if twice := sorted(found.keys() & self.shapes.keys()):
                raise CheckpointError(
                    f"weights {path}: in more than one file: {_listed(twice)}\n  join the shards to whole tensors first"
                )
            self.shapes |= found
            self._homes |= {name: (opened, name) for name in found}
        if prefix and self.shapes and all(name.startswith(prefix) for name in self.shapes):
            self.shapes = {name.removeprefix(prefix): shape for name, shape in self.shapes.items()}
            self._homes = {name.removeprefix(prefix): home for name, home in self._homes.items()}

    def tensor(self, name: str) -> Tensor:
        """The tensor, read from its file now."""
        file, inside = self._homes[name]
        return file.get_tensor(inside)

    def rows(self, name: str, start: int, stop: int) -> Tensor:
        """Rows start … stop − 1 (axis 0) of the tensor; no others are read. A tensor without axes is given whole."""
        if not self.shapes[name]:
            return self.tensor(name)
        file, inside = self._homes[name]
        return file.get_slice(inside)[start:stop]

    def check(self, expected: Shapes) -> None:
        """Raises CheckpointError that lists what is missing, unexpected or of another shape than `expected`."""
        wrong = [f"{name}: missing" for name in sorted(expected.keys() - self.shapes.keys())]
        wrong += [f"{name}: unexpected" for name in sorted(self.shapes.keys() - expected.keys())]
        wrong += [
            f"{name}: {self.shapes[name]} there, {tuple(expected[name])} in the model"
            for name in sorted(expected.keys() & self.shapes.keys())
            if self.shapes[name] != tuple(expected[name])
        ]
        if wrong:
            raise CheckpointError(f"weights {self.path}: of another architecture: {_listed(wrong)}")

    def need(self, names: list[str], what: str) -> None:
        """Raises CheckpointError, naming `what` was looked for, when one of `names` is missing."""
        if missing := [name for name in names if name not in self.shapes]:
            raise CheckpointError(f"weights {self.path}: not {what}; missing: {_listed(missing)}")


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise CheckpointError(f"weights {path}: neither a file nor a folder; name a safetensors file or its folder")
    indices = sorted(path.glob("*.safetensors.index.json"))
    files = sorted(path.glob("*.safetensors"))
    if not indices and len(files) == 1:
        return files
    if len(indices) != 1:
        found = ", ".join(each.name for each in indices or files) or "nothing of the kind"
        raise CheckpointError(
            f"weights {path}: wanted one *.safetensors file or one *.safetensors.index.json, found {found}; "
            "name the file"
        )
    try:
        names = set(json.loads(indices[0].read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(f"weights {indices[0]}: not an index of safetensors files ({error!r})") from error
    if outside := [name for name in names if not isinstance(name, str) or Path(name).name != name]:
        raise CheckpointError(f"weights {indices[0]}: names files outside its folder: {outside}")
    if absent := sorted(name for name in names if not (path / name).is_file()):
        raise CheckpointError(f"weights {indices[0]}: names files that are missing: {_listed(absent)}")
    return [path / name for name in sorted(names)]


def _listed(lines: list[str]) -> str:
    more = [f"… and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return "\n  " + "\n  ".join([*lines[:_LISTED], *more])
