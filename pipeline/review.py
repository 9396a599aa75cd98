"""Decisions of people: files that they fill in, and what the dataset keeps of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.dataset import Dataset
from pipeline.files import committing
from schemas.errors import DatasetError
from schemas.review import ReviewRow

COLUMNS = ("sample_key", "decision", "reviewer", "note")


def read_review(path: Path) -> list[ReviewRow]:
    """The rows of a review file that hold a decision: CSV with a header of `COLUMNS` and any others.

    decision: `accept`, `reject`, `withdraw` (of an earlier one), or nothing where nobody decided yet.
    Raises DatasetError, with the line, for anything else.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in COLUMNS[:2] if name not in (reader.fieldnames or ())]
            if missing:
                raise DatasetError(f"review {path}: no column {missing[0]!r}; the first line names the columns")
            rows = [_row(path, reader.line_num, record) for record in reader if (record["decision"] or "").strip()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"review {path}: cannot be read as CSV ({error}); name a file in UTF-8") from error
    seen: set[str] = set()
    for row in rows:
        if row.sample_key in seen:
            raise DatasetError(f"review {path}: {row.sample_key} is decided twice; keep one line")
        seen.add(row.sample_key)
    return rows


def _row(path: Path, line: int, record: Mapping[str, str | None]) -> ReviewRow:
    given = {name: (record.get(name) or "").strip() for name in COLUMNS}
    given["decision"] = given["decision"].lower()
    if given["decision"] not in ("accept", "reject", "withdraw"):
        raise DatasetError(
            f"review {path}, line {line}: decision {given['decision']!r}; write accept, reject, withdraw or nothing"
        )
    return ReviewRow.model_validate(given)


def kept_review(dataset: Dataset) -> dict[str, ReviewRow]:
    """The decisions that the dataset holds, by sample."""
    if not dataset.review.exists():
        return {}
    return {row.sample_key: row for row in ReviewRow.read_parquet(dataset.review)}


def keep_review(dataset: Dataset, decided: Mapping[str, ReviewRow]) -> None:
    """Keeps these decisions with the dataset, instead of those it had."""
    rows = [decided[key] for key in sorted(decided)]
    with committing(dataset.review, dataset.temporary) as scratch:
        pq.write_table(ReviewRow.to_table(rows), scratch)
