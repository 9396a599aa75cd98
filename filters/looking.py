"""Running filters over pictures so that a failure costs only the pictures it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from filters.contract import Finding, Image, ImageFilter


@dataclass(frozen=True)
class Picture:
    """pixels: uint8 (H, W, 3), sRGB. degradation: the one that it is meant to show, empty for a clean one."""

    pixels: Image
    degradation: str = ""


class Looker(Protocol):
    """Looks at pictures that know what they are meant to show; an exception stands for the finding it cost."""

    @property
    def label(self) -> str:
        """name=provider:version, as the ledger has it."""

    def load(self) -> None: ...

    def look(self, pictures: Sequence[Picture]) -> list[Finding | Exception]: ...


class Patient:
    """An `ImageFilter` in batches of at most `batch`; a batch that fails (a GPU out of memory) is shown one by one."""

    def __init__(self, inner: ImageFilter, batch: int) -> None:
        self._inner, self._batch = inner, batch

    @property
    def label(self) -> str:
        """name=provider:version, as the ledger has it."""
        return f"{self._inner.name}={self._inner.provider}:{self._inner.version}"

    def load(self) -> None:
        """Loads the model. Raises RecipeError when it cannot be used."""
        self._inner.load()

    def look(self, pictures: Sequence[Picture]) -> list[Finding | Exception]:
        """A finding, or the exception that it cost, for each picture, in order."""
        found: list[Finding | Exception] = []
        for start in range(0, len(pictures), self._batch):
            images = [picture.pixels for picture in pictures[start : start + self._batch]]
            try:
                found += self._inner.score(images)
            except Exception as error:
                found += [error] if len(images) == 1 else [self._alone(image) for image in images]
        return found

    def _alone(self, image: Image) -> Finding | Exception:
        try:
            return self._inner.score([image])[0]
        except Exception as error:
            return error
