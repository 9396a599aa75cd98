"""Deciding a finished dataset again: a policy over the ledger, no model and no pixel."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from filters.policy import decide_table
from pipeline.dataset import Dataset
from pipeline.files import committing
from schemas.errors import DatasetError
from schemas.recipe.policy import PolicySection


@dataclass(frozen=True)
class Decision:
    """Rows by (degradation, verdict) before and after, rows by (verdict, first reason) after, and the accepted samples
    that no shard holds, because the run rejected them.
    """

    before: Counter[tuple[str, str]]
    after: Counter[tuple[str, str]]
    reasons: Counter[tuple[str, str]]
    without_pixels: int


def decide_dataset(dataset: Dataset, policy: PolicySection, write: bool = True) -> Decision:
    """Applies `policy` to every ledger row and, if asked, keeps the verdicts in decision.parquet.

    The ledger itself, the record of the run, stays as it was. Raises DatasetError when there is no ledger.
    """
    parts = sorted(dataset.ledger.glob("*.parquet"))
    if not parts:
        raise DatasetError(f"{dataset.root}: the ledger is empty; run `tarnish synthesize` first")
    columns = ["sample_key", "degradation", "role", "verdict", "reason", "reasons", "shard", "scores"]
    ledger = pa.concat_tables([pq.read_table(part, columns=columns) for part in parts])
    decided = decide_table(ledger, policy)
    table = pa.table(
        {
            "sample_key": ledger["sample_key"],
            "verdict": decided["verdict"],
            "reason": decided["reason"],
            "reasons": decided["reasons"],
        }
    )
    if write:
        with committing(dataset.decision, dataset.temporary) as scratch:
            pq.write_table(table.sort_by("sample_key"), scratch)
    degradations = ledger["degradation"].to_pylist()
    verdicts = table["verdict"].to_pylist()
    shards = ledger["shard"].to_pylist()
    return Decision(
        before=Counter(zip(degradations, ledger["verdict"].to_pylist(), strict=True)),
        after=Counter(zip(degradations, verdicts, strict=True)),
        reasons=Counter(zip(verdicts, table["reason"].to_pylist(), strict=True)),
        without_pixels=sum(v == "accepted" and not s for v, s in zip(verdicts, shards, strict=True)),
    )
