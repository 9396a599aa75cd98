"""What became of every input: counts over the ledger, and the rows that were dropped with their reasons."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow.dataset as ds
from numpy.typing import NDArray
from pydantic import Field

from schemas.errors import DatasetError
from schemas.record import Record

VERDICTS = ("accepted", "rejected", "failed")


class DroppedRow(Record):
    """A row that made no sample. reasons: of a rejected row all of them; of a failed row the stage that failed."""

    sample_key: str
    name: str = Field(description="the uri without its folders")
    split: str
    degradation: str
    verdict: str
    reasons: list[str]
    error: str


class LedgerSummary(Record):
    """Counts of ledger rows.

    verdicts: all three, 0 included. rejected_by_reason: by the first reason of a row, so they add up to the rejected.
    rejected_by_any_reason: a row counts under each of its reasons. failed_by_stage: by the stage that failed.
    degradations: degradation → verdict → rows. dropped: the first rows that were rejected or failed, failed ones first,
    then by reason, uri and key; `dropped_total` says how many there are.
    """

    total: int
    verdicts: dict[str, int]
    rejected_by_reason: dict[str, int]
    rejected_by_any_reason: dict[str, int]
    failed_by_stage: dict[str, int]
    degradations: dict[str, dict[str, int]]
    dropped: list[DroppedRow]
    dropped_total: int

    def counts(self) -> dict[str, object]:
        """Plain JSON for summary.json: everything but the dropped rows themselves."""
        return self.model_dump(exclude={"dropped"})


class ScoreValues(Record):
    """The finite values of one score, ascending, of the accepted rows and of the others; `missing` have none."""

    accepted: list[float]
    dropped: list[float]
    missing: int


def summarise(ledger: Path, decision: Path | None = None, limit: int = 200) -> LedgerSummary:
    """Counts the rows of all ledger parts (`*.parquet`, schemas.ledger.LedgerRow) in the folder `ledger`.

    decision: a Parquet file with a later verdict, reason and reasons by sample_key, which then count instead of the
    ledger's. limit: the most dropped rows kept. Raises DatasetError when the folder holds no part.
    """
    with _open(ledger, decision) as connection:
        verdicts = dict.fromkeys(VERDICTS, 0)
        verdicts.update(_counts(connection, "SELECT verdict, count(*) FROM ledger GROUP BY ALL"))
        degradations: dict[str, dict[str, int]] = {}
        for name, verdict, n in connection.execute(
            "SELECT degradation, verdict, count(*) FROM ledger GROUP BY ALL ORDER BY ALL"
        ).fetchall():
            degradations.setdefault(name, dict.fromkeys(VERDICTS, 0))[verdict] = n
        dropped = connection.execute(
            "SELECT sample_key, uri, split, degradation, verdict, reason, reasons, error FROM ledger "
            "WHERE verdict <> 'accepted' ORDER BY verdict, reason, uri, sample_key LIMIT ?",
            [limit],
        ).fetchall()
        by_first_reason = (
            "SELECT reason, count(*) AS n FROM ledger WHERE verdict = ? GROUP BY ALL ORDER BY n DESC, reason"
        )
        return LedgerSummary(
            total=sum(verdicts.values()),
            verdicts=verdicts,
            rejected_by_reason=_counts(connection, by_first_reason, "rejected"),
            rejected_by_any_reason=_counts(
                connection,
                "SELECT cause, count(*) AS n FROM (SELECT unnest(list_distinct(reasons)) AS cause FROM ledger "
                "WHERE verdict = ?) GROUP BY ALL ORDER BY n DESC, cause",
                "rejected",
            ),
            failed_by_stage=_counts(connection, by_first_reason, "failed"),
            degradations=degradations,
            dropped=[
                DroppedRow(
                    sample_key=key,
                    name=_name(uri),
                    split=split,
                    degradation=degradation,
                    verdict=verdict,
                    reasons=reasons or ([reason] if reason else []),
                    error=error,
                )
                for key, uri, split, degradation, verdict, reason, reasons, error in dropped
            ],
            dropped_total=verdicts["rejected"] + verdicts["failed"],
        )


def score_values(ledger: Path, score: str, decision: Path | None = None) -> dict[str, ScoreValues]:
    """The values of `score` ("pair.psnr") by degradation, over all rows that name a degradation.

    decision: as in `summarise`. Raises DatasetError when the folder holds no ledger part.
    """
    with _open(ledger, decision) as connection:
        columns = connection.execute(
            "SELECT degradation, verdict = 'accepted' AS accepted, map_extract_value(scores, ?) AS value FROM ledger "
            "WHERE degradation <> '' ORDER BY ALL",
            [score],
        ).fetchnumpy()
    names = np.asarray(columns["degradation"])
    accepted = np.asarray(columns["accepted"])
    values: NDArray[np.float64] = np.ma.filled(columns["value"].astype(np.float64), np.nan)
    finite = np.isfinite(values)
    found = {}
    for name in sorted(set(names.tolist())):
        of = names == name
        found[name] = ScoreValues(
            accepted=values[of & finite & accepted].tolist(),
            dropped=values[of & finite & ~accepted].tolist(),
            missing=int((of & ~finite).sum()),
        )
    return found


def _open(ledger: Path, decision: Path | None) -> duckdb.DuckDBPyConnection:
    parts = sorted(str(path) for path in ledger.glob("*.parquet"))
    if not parts:
        raise DatasetError(
            f"{ledger}: no ledger part (*.parquet) here; name the ledger folder of a dataset that has run"
        )
    connection = duckdb.connect(":memory:")
    recorded = "recorded" if decision is not None else "ledger"
    connection.register(recorded, ds.dataset(parts, format="parquet"))
    if decision is not None:
        connection.register("decision", ds.dataset(str(decision), format="parquet"))
        connection.execute(
            "CREATE VIEW ledger AS SELECT recorded.* REPLACE (coalesce(decision.verdict, recorded.verdict) AS verdict, "
            "coalesce(decision.reason, recorded.reason) AS reason, "
            "coalesce(decision.reasons, recorded.reasons) AS reasons) "
            "FROM recorded LEFT JOIN decision USING (sample_key)"
        )
    return connection


def _counts(connection: duckdb.DuckDBPyConnection, query: str, *values: str) -> dict[str, int]:
    return dict(connection.execute(query, list(values)).fetchall())


def _name(uri: str) -> str:
    """The file name of a path; of `tar:PATH#PLACE` and `parquet:PATH#PLACE` the file name with its place."""
    packed = uri.startswith(("tar:", "parquet:"))
    path, mark, place = uri.rpartition("#") if packed else (uri, "", "")
    return path.rsplit("/", 1)[-1] + mark + place
