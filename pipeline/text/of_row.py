"""The texts of a ledger row, synthetic or real, and of neighbouring variants."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from pipeline.text.texts import comparisons_of, texts_of, texts_of_recognised
from schemas.ledger import LedgerRow
from schemas.recipe.text import TextSection
from schemas.text import TextRow


def texts_of_row(row: LedgerRow, section: TextSection) -> list[TextRow]:
    """Texts of an accepted row: from its trace, or of a harvested photograph from what was recognised in it."""
    if row.trace is not None and row.trace.steps:
        return texts_of(row.trace, row.task, row.curriculum, section)
    recognised = [(row.degradation, row.severity or None)]
    return texts_of_recognised(row.sample_key, recognised, row.task, section)


def texts_between(rows: Sequence[LedgerRow], section: TextSection) -> list[TextRow]:
    """Comparisons of every two accepted variants of one source whose traces tell which is better."""
    traces = [row.trace for row in rows if row.trace is not None and row.trace.steps]
    return [
        text
        for first, second in combinations(traces, 2)
        if first.source_sha256 == second.source_sha256
        for text in comparisons_of(first, second, section)
    ]
