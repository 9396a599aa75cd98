"""Examples of degradations: the degraded pictures of shards with what their traces know, and the clean targets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from filters.decoding import decode
from pipeline.shards.reader import ShardReader
from schemas.errors import DatasetError
from schemas.recogniser import CLEAN, NAMES
from schemas.source import Split
from training.data.pairs import MAX_PIXELS

#: Group of the pictures with several degradations.
CHAINS = "chains"


@dataclass(frozen=True)
class Example:
    """A picture of the shards. severities: degradation → severity in [0, 1]; empty for a clean target."""

    position: int
    key: str
    severities: dict[str, float]

    @property
    def group(self) -> str:
        """The one degradation, "clean" or "chains"."""
        return CLEAN if not self.severities else next(iter(self.severities)) if len(self.severities) == 1 else CHAINS


class Examples:
    """The examples of one split of several datasets.

    Samples with a step that is none of the nine degradations (Real-ESRGAN, an albumentations transform) are left out,
    `unknown` in number: what they show is not known step by step. A degradation that a chain applies twice has the
    larger severity. The clean target of each source counts once.

    Raises DatasetError as ShardReader does.
    """

    def __init__(self, datasets: Sequence[Path], split: Split) -> None:
        self.split = split
        self._reader = ShardReader(list(datasets), split)
        self.all: list[Example] = []
        self.unknown = 0
        sources: set[str] = set()
        for position, (key, degradation) in enumerate(zip(self._reader.keys, self._reader.degradations, strict=True)):
            if (source := key.partition("-v")[0]) not in sources:
                sources.add(source)
                self.all.append(Example(position, key, {}))
            severities = (
                {degradation: self._reader.severities[position]} if degradation in NAMES else self._of_trace(position)
            )
            if severities:
                self.all.append(Example(position, key, severities))
            else:
                self.unknown += 1

    def __len__(self) -> int:
        return len(self.all)

    @property
    def names(self) -> tuple[str, ...]:
        """Degradations of which there are examples, in the order of NAMES."""
        found = {name for example in self.all for name in example.severities}
        return tuple(name for name in NAMES if name in found)

    def groups(self) -> dict[str, list[Example]]:
        """Examples by group: the degradations in order, clean, chains; those that there are."""
        found: dict[str, list[Example]] = {name: [] for name in (*NAMES, CLEAN, CHAINS)}
        for example in self.all:
            found[example.group].append(example)
        return {name: group for name, group in found.items() if group}

    def fingerprint(self) -> str:
        """16 hex digits over keys, degradations and severities: other examples have another one."""
        lines = "\n".join(f"{one.key} {sorted(one.severities.items())}" for one in self.all)
        return hashlib.sha256(lines.encode()).hexdigest()[:16]

    def pixels(self, example: Example) -> NDArray[np.uint8]:
        """The picture, uint8 (H, W, 3), sRGB. Raises DatasetError when it cannot be decoded."""
        which = "degraded" if example.severities else "clean"
        try:
            return decode(getattr(self._reader[example.position], which), max_pixels=MAX_PIXELS).pixels
        except Exception as error:
            raise DatasetError(
                f"the {which} picture of sample {example.key} cannot be decoded ({error}); make the dataset again"
            ) from error

    def _of_trace(self, position: int) -> dict[str, float]:
        """Severities of the steps of a chain; none when a step is none of NAMES."""
        steps = self._reader[position].meta.get("trace", {}).get("steps", [])
        severities: dict[str, float] = {}
        for step in steps:
            if step["degradation"] not in NAMES:
                return {}
            severities[step["degradation"]] = max(step["severity"], severities.get(step["degradation"], 0.0))
        return severities


def open_examples(datasets: Sequence[Path], split: Split, said: Callable[[str], None]) -> Examples:
    """Examples, telling `said` how many there are and what was left out."""
    examples = Examples(datasets, split)
    parts = ", ".join(f"{len(group)} {name}" for name, group in examples.groups().items())
    left = f"; {examples.unknown} of other degradations left out" if examples.unknown else ""
    said(f"{split}: {parts or 'nothing'}{left}")
    return examples
