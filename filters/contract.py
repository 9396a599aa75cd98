"""What a filter that needs a model is, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Finding:
    """Scores of one picture by name (`watermark.text`), and raw answers of models as text."""

    scores: dict[str, float] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)


class ImageFilter(Protocol):
    """Scores pictures by themselves, several at once.

    name: what it is for (semantics, watermark). provider, version: which one ran, for the ledger.
    """

    name: str

    @property
    def provider(self) -> str: ...

    @property
    def version(self) -> str: ...

    def load(self) -> None:
        """Loads the model now rather than with the first picture. Raises RecipeError when it cannot be used."""

    def score(self, images: Sequence[Image]) -> list[Finding]:
        """A finding for each picture (uint8 (H, W, 3), sRGB, any sizes), in order."""
