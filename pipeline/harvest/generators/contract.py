"""What a reference generator is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Request:
    """A degraded photograph (uint8 (H, W, 3), sRGB), its sample key and uri, its degradation and what to ask for."""

    photograph: Image
    sample_key: str
    uri: str
    degradation: str
    prompt: str

    @property
    def seed(self) -> int:
        """63 bits of the key's sha256: a sample's reference does not depend on its neighbours."""
        return int.from_bytes(hashlib.sha256(f"reference/{self.sample_key}".encode()).digest()[:8], "big") >> 1


class ReferenceGenerator(Protocol):
    """Makes clean references of photographs. provider, version: which one ran, for the trace."""

    @property
    def provider(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def batch(self) -> int:
        """How many photographs are best asked for at once."""

    def load(self) -> None:
        """Loads what is heavy now. Raises RecipeError when it cannot be used."""

    def generate(self, requests: Sequence[Request]) -> list[Image | Exception]:
        """A reference (uint8 (H, W, 3), sRGB, any size) of each photograph, or the exception that it cost, in order."""


class NoReference(Exception):
    """There is none for this photograph yet."""
