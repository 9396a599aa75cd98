"""Weights of small networks that a recipe names: safetensors files, known by their sha256."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import TarnishError

if TYPE_CHECKING:
    from torch import Tensor


class WeightsError(TarnishError):
    """The weights of a learned mode cannot be used."""


def _read(field: str, path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise WeightsError(f"{field}: {path!r} cannot be read ({error}); name a safetensors file") from error


@lru_cache(maxsize=8)
def sha256_of(field: str, path: str) -> str:
    """Hex sha256 of the file that a recipe's `field` names, read once a process. Raises WeightsError."""
    return hashlib.sha256(_read(field, path)).hexdigest()


def read_tensors(field: str, path: str, sha256: str) -> dict[str, Tensor]:
    """The tensors of the file at `path`, float32 in CPU memory, by name.

    Raises WeightsError where the file is missing, is not the one of this sha256, or is no safetensors file, and
    ModuleNotFoundError without torch and safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    data = _read(field, path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WeightsError(f"{field}: {path!r} is not the file of the trace (sha256 {sha256}); put it back")
    try:
        return {name: tensor.float() for name, tensor in load(data).items()}
    except SafetensorError as error:
        raise WeightsError(f"{field}: {path!r} is no safetensors file ({error})") from error
