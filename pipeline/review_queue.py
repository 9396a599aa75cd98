"""Samples for people to look at: a file to fill in, and their pictures beside it."""

from __future__ import annotations

import base64
import csv
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import pyarrow.parquet as pq

from filters.policy import PENDING
from pipeline.dataset import Dataset
from pipeline.review import COLUMNS, kept_review
from schemas.ledger import LedgerRow
from schemas.thumbnail import Thumbnail

#: First characters by which a spreadsheet takes a cell for a formula.
_FORMULA = ("=", "+", "-", "@")
_FACTS = ("degradation", "severity", "reasons", "uri")


def queued(dataset: Dataset, reason: str = PENDING) -> Iterator[tuple[LedgerRow, Thumbnail | None]]:
    """Rejected rows of the standing decision (of the run, where that is newer) that have `reason` among theirs and that
    no person has decided, with their thumbnails, unit by unit.
    """
    decided = kept_review(dataset)
    standing: dict[str, list[str]] = {}
    if dataset.decision.exists():
        table = pq.read_table(dataset.decision, columns=["sample_key", "reasons"])
        standing = dict(zip(table["sample_key"].to_pylist(), table["reasons"].to_pylist(), strict=True))
    for part in sorted(dataset.ledger.glob("*.parquet")):
        rows = [
            row
            for row in LedgerRow.read_parquet(part)
            if row.sample_key not in decided and reason in standing.get(row.sample_key, row.reasons)
        ]
        pictures = dataset.thumbnails / part.name
        shown = {one.sample_key: one for one in Thumbnail.read_parquet(pictures)} if rows and pictures.exists() else {}
        yield from ((row, shown.get(row.sample_key)) for row in rows)


def write_queue(rows: Sequence[tuple[LedgerRow, Thumbnail | None]], path: Path) -> Path:
    """Writes a CSV file whose column `decision` waits for accept or reject, and beside it a page (HTML) with the
    pictures, whose path it returns.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *_FACTS])
        for row, _ in rows:
            uri = f"'{row.uri}" if row.uri.startswith(_FORMULA) else row.uri
            writer.writerow([row.sample_key, "", "", "", row.degradation, row.severity, " ".join(row.reasons), uri])
    page = path.with_suffix(".html")
    page.write_text(_page(rows), encoding="utf-8")
    return page


def _page(rows: Sequence[tuple[LedgerRow, Thumbnail | None]]) -> str:
    cells = "".join(
        f"<section><h2>{escape(row.sample_key)}</h2><p>{escape(row.degradation)}, severity {row.severity:g}"
        f"<br>{escape(', '.join(row.reasons))}<br><small>{escape(row.uri)}</small></p>"
        f"{_picture(one.degraded) if one else ''}{_picture(one.clean) if one else ''}</section>"
        for row, one in rows
    )
    style = (
        ":root{color-scheme:light dark}body{font:14px/1.4 system-ui,sans-serif;margin:2rem}"
        "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(340px,1fr));gap:2rem}"
        "h2{font:600 14px ui-monospace,monospace;margin:0}img{max-width:160px;margin-right:4px}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Review</title><style>{style}</style>'
        f"<h1>{len(rows)} to look at</h1><main>{cells}</main></html>"
    )


def _picture(data: bytes) -> str:
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">' if data else ""
