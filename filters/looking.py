"""Running filters over pictures so that a failure costs only the pictures it concerns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from filters.contract import Finding, Image, ImageFilter
from filters.inference import one_by_one


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
            except Exception:
                found += [self._alone(image) for image in images]
        return found

    def _alone(self, image: Image) -> Finding | Exception:
        try:
            with one_by_one():
                return self._inner.score([image])[0]
        except Exception as error:
            return error


@dataclass
class Spent:
    """What a filter was shown: pictures, calls, and their seconds. It goes into reports, never into a dataset."""

    pictures: int = 0
    calls: int = 0
    seconds: float = 0.0


class Timed:
    """A looker, and what it has spent since `taken` was last asked for."""

    def __init__(self, inner: Looker) -> None:
        self._inner, self._spent = inner, Spent()

    @property
    def label(self) -> str:
        """The inner looker's."""
        return self._inner.label

    def load(self) -> None:
        """Loads the inner looker."""
        self._inner.load()

    def look(self, pictures: Sequence[Picture]) -> list[Finding | Exception]:
        """What the inner looker finds."""
        started = time.perf_counter()
        found = self._inner.look(pictures)
        spent = self._spent
        spent.seconds += time.perf_counter() - started
        spent.pictures += len(pictures)
        spent.calls += 1
        return found

    def taken(self) -> Spent:
        """What was spent since the last time."""
        spent, self._spent = self._spent, Spent()
        return spent
