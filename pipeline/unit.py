"""The work unit: a fixed slice of the plan and what has become of each of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.plan import PlanRow
from schemas.text import TextRow
from schemas.trace import Trace


@dataclass
class Item:
    """One plan row on its way through the stages; each stage fills in its part.

    An item has ended early when it is `failed` or `rejected` before scoring; later stages leave it alone.
    """

    row: PlanRow
    data: bytes = b""
    clean: NDArray[np.uint8] | None = None
    clip: NDArray[np.uint8] | None = None
    clean_format: str = ""
    clean_unchanged: bool = False
    degraded: NDArray[np.uint8] | None = None
    task: str = ""
    trace: Trace | None = None
    scores: dict[str, float] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    filters: list[str] = field(default_factory=list)
    unscored: list[str] = field(default_factory=list)
    texts: list[TextRow] = field(default_factory=list)
    thumbnails: dict[str, bytes] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    failed: str = ""
    error: str = ""
    members: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return bool(self.failed or (self.reasons and not self.scores))

    @property
    def verdict(self) -> str:
        if self.failed:
            return "failed"
        return "rejected" if self.reasons else "accepted"

    def release(self) -> None:
        """Drops pixels and source bytes; the encoded members stay."""
        self.data, self.clean, self.clip, self.degraded = b"", None, None, None


@dataclass
class Unit:
    """number and split of a unit, and its items in the order of the plan."""

    number: int
    split: str
    items: list[Item]

    @classmethod
    def of_rows(cls, rows: list[PlanRow]) -> Unit:
        """The unit of these plan rows, all of one unit number and split."""
        return cls(rows[0].unit, rows[0].split, [Item(row) for row in rows])
