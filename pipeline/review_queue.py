"""Samples for people to look at: a file to fill in, and their pictures beside it."""

from __future__ import annotations

import base64
import csv
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import pyarrow.parquet as pq

from filters.decoding import decode
from filters.policy import PENDING
from pipeline.dataset import Dataset
from pipeline.decide import TURNED_DOWN
from pipeline.encoding import thumbnail
from pipeline.review import COLUMNS, kept_review
from pipeline.shards.members import stored_members
from schemas.ledger import LedgerRow
from schemas.recipe.decode import DecodeSection
from schemas.shard import ShardIndexRow
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
        rows = []
        for row in LedgerRow.read_parquet(part):
            reasons = standing.get(row.sample_key, row.reasons)
            if reason in reasons and (row.sample_key not in decided or reason == TURNED_DOWN):
                rows.append(row.model_copy(update={"reasons": reasons}))
        pictures = dataset.thumbnails / part.name
        shown = {one.sample_key: one for one in Thumbnail.read_parquet(pictures)} if rows and pictures.exists() else {}
        index = dataset.index / part.name
        entries = ShardIndexRow.read_parquet(index) if rows and index.exists() else []
        for row in rows:
            yield row, shown.get(row.sample_key) or _from_shard(dataset, row, entries)


def _from_shard(dataset: Dataset, row: LedgerRow, entries: Sequence[ShardIndexRow]) -> Thumbnail | None:
    """The thumbnails of a sample that the run accepted, whose pictures a shard holds."""
    members = stored_members(dataset, row, entries)
    pictures = {kind: data for name, data in members.items() if (kind := name.partition(".")[0]) in ("lq", "gt")}
    if len(pictures) < 2:
        return None
    small = {kind: thumbnail(decode(data, DecodeSection().max_pixels).pixels) for kind, data in pictures.items()}
    return Thumbnail(sample_key=row.sample_key, degraded=small["lq"], clean=small["gt"])


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
