"""What another policy would change: accepted before and after, by degradation, by reason, and where scores lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_BINS = 24


@dataclass(frozen=True)
class Change:
    """Rows of one name: all, accepted before, accepted after, newly accepted and newly dropped."""

    name: str
    rows: int
    before: int
    after: int
    gained: int
    lost: int


@dataclass(frozen=True)
class Histogram:
    """One score: `edges` (bins + 1,), and of each bin the rows `accepted` and `dropped` after; `missing` have none."""

    score: str
    edges: NDArray[np.float64]
    accepted: NDArray[np.int64]
    dropped: NDArray[np.int64]
    missing: int


@dataclass(frozen=True)
class WhatIf:
    """total: all rows. degradations: one change each. reasons: rows by first reason before and after; a reason that is
    empty is none. histograms: one a score that a rule names.
    """

    total: Change
    degradations: list[Change]
    reasons: list[tuple[str, int, int]]
    histograms: list[Histogram]


def what_if(rows: pa.Table, scores: Mapping[str, NDArray[np.float64]]) -> WhatIf:
    """Compares the columns before_verdict, before_reason, verdict, reason of `rows`, by its column degradation.

    scores: float64 (rows,) by name.
    """
    before = _equals(rows, "before_verdict", "accepted")
    after = _equals(rows, "verdict", "accepted")
    names, codes = np.unique(rows["degradation"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    degradations = [_change(str(name), before, after, codes == code) for code, name in enumerate(names)]
    counts: dict[str, list[int]] = {}
    for side, (verdict, reason) in enumerate((("before_verdict", "before_reason"), ("verdict", "reason"))):
        grouped = rows.group_by([verdict, reason]).aggregate([([], "count_all")])
        for row in grouped.to_pylist():
            if row[verdict] != "accepted":
                counts.setdefault(row[reason], [0, 0])[side] += row["count_all"]
    reasons = [(name, both[0], both[1]) for name, both in counts.items()]
    reasons.sort(key=lambda item: (-item[2], -item[1], item[0]))
    everything = _change("all", before, after, np.ones(rows.num_rows, dtype=np.bool_))
    return WhatIf(everything, degradations, reasons, [_histogram(name, scores[name], after) for name in sorted(scores)])


def _equals(rows: pa.Table, column: str, value: str) -> NDArray[np.bool_]:
    return np.asarray(rows[column].to_numpy(zero_copy_only=False) == value, dtype=np.bool_)


def _change(name: str, before: NDArray[np.bool_], after: NDArray[np.bool_], own: NDArray[np.bool_]) -> Change:
    counted = (own, own & before, own & after, own & after & ~before, own & before & ~after)
    return Change(name, *(int(np.count_nonzero(chosen)) for chosen in counted))


def _histogram(score: str, values: NDArray[np.float64], accepted: NDArray[np.bool_]) -> Histogram:
    """Bins between the 1st and the 99th percentile; what lies beyond is in the outermost ones."""
    known = np.isfinite(values)
    low, high = np.quantile(values[known], (0.01, 0.99)) if known.any() else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
    inside = np.clip(values, edges[0], edges[-1])
    kept, gone = (np.histogram(inside[known & own], edges)[0] for own in (accepted, ~accepted))
    return Histogram(score, edges, kept, gone, int(np.count_nonzero(~known)))
