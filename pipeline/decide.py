"""Deciding a finished dataset again: a policy over the ledger, no model and no pixel."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from filters.policy import PHOTOGRAPH, REFERENCE, decide_with_scores
from pipeline.dataset import Dataset
from pipeline.files import committing
from pipeline.review import keep_review, kept_review
from schemas.errors import DatasetError
from schemas.recipe.policy import PolicySection
from schemas.review import ReviewRow

#: What a sample that a person turned down has as its first reason.
TURNED_DOWN = "review.rejected"
_COLUMNS = ["sample_key", "degradation", "role", "verdict", "reason", "reasons", "shard", "scores"]
#: Parquet's path of the names of scores.
_SCORE_NAMES = "scores.key_value.key"
#: Ledger parts read as one table.
_PARTS_AT_ONCE = 64


@dataclass(frozen=True)
class Decision:
    """rows: an Arrow table with a row for each ledger row, in the order of the units: sample_key, degradation, role,
    verdict, reason, reasons and reviewer (empty where the policy decided) after; before_verdict and before_reason, of
    the decision that stood until now; stored, whether a shard holds the sample.
    scores: float64 (rows,) for each score that a rule names; NaN where a row lacks it.
    """

    rows: pa.Table
    scores: Mapping[str, NDArray[np.float64]]

    @property
    def without_pixels(self) -> int:
        """Accepted samples that no shard holds, because the run rejected them; `tarnish pack` makes them."""
        accepted = pc.equal(self.rows["verdict"], "accepted")
        return int(pc.sum(pc.and_not(accepted, self.rows["stored"])).as_py() or 0)


def decide_dataset(
    dataset: Dataset, policy: PolicySection, review: Sequence[ReviewRow] = (), write: bool = True
) -> Decision:
    """Applies `policy` to every ledger row and what people decided over it; keeps the result if asked.

    review: decisions that join those the dataset holds; newer ones replace older ones. The ledger itself, the record of
    the run, stays as it was.
    A kept decision about a row that is not there now, or no pair, waits for it.
    Raises DatasetError when there is no ledger, or when `review` names a sample that is not in it or accepts no pair.
    """
    parts = sorted(dataset.ledger.glob("*.parquet"))
    if not parts:
        raise DatasetError(f"{dataset.root}: the ledger is empty; run `tarnish synthesize` first")
    groups = [parts[start : start + _PARTS_AT_ONCE] for start in range(0, len(parts), _PARTS_AT_ONCE)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        decided = list(pool.map(lambda group: _decide_parts(group, policy), groups))
    rows = pa.concat_tables([table for table, _ in decided]).combine_chunks()
    ruled = sorted({rule.score for rule in policy.rules})
    scores = {name: np.concatenate([columns[name] for _, columns in decided]) for name in ruled}
    _refuse_unfit(rows, review, dataset)
    people = kept_review(dataset) | {row.sample_key: row for row in review}
    people = {key: row for key, row in people.items() if row.decision != "withdraw"}
    rows = _with_review(rows, people)
    rows = _with_standing(rows, dataset)
    if write:
        keep_review(dataset, people)
        kept = rows.select(["sample_key", "verdict", "reason", "reasons", "reviewer"])
        with committing(dataset.decision, dataset.temporary) as scratch:
            pq.write_table(kept, scratch)
    return Decision(rows.drop_columns(["paired"]), scores)


def _decide_parts(parts: Sequence[Path], policy: PolicySection) -> tuple[pa.Table, dict[str, NDArray[np.float64]]]:
    ledger = pa.concat_tables([_read(part) for part in parts]).unify_dictionaries().combine_chunks()
    decided, scores = decide_with_scores(ledger, policy)
    sizes = np.concatenate([np.diff(np.asarray(chunk.offsets)) for chunk in ledger["scores"].chunks])
    whole = np.isnan(scores[PHOTOGRAPH]) | ~np.isnan(scores[REFERENCE])
    table = pa.table(
        {
            "sample_key": ledger["sample_key"],
            "degradation": ledger["degradation"],
            "role": ledger["role"],
            **{name: decided[name] for name in ("verdict", "reason", "reasons")},
            "before_verdict": ledger["verdict"],
            "before_reason": ledger["reason"],
            "stored": pc.not_equal(ledger["shard"], ""),
            "paired": pc.and_(pa.array((sizes > 0) & whole), pc.not_equal(ledger["verdict"], "failed")),
        }
    )
    return table, scores


def _read(part: Path) -> pa.Table:
    return pq.read_table(part, columns=_COLUMNS, read_dictionary=[_SCORE_NAMES])


def _refuse_unfit(rows: pa.Table, review: Sequence[ReviewRow], dataset: Dataset) -> None:
    places = _places(rows, [row.sample_key for row in review])
    for row, place in zip(review, places, strict=True):
        if place is None:
            raise DatasetError(
                f"{dataset.root}: the review names {row.sample_key}, which is not in the ledger; remove its line"
            )
        if row.decision == "accept" and not rows["paired"][place].as_py():
            reason = rows["reason"][place].as_py()
            raise DatasetError(
                f"{dataset.root}: the review accepts {row.sample_key}, which is no pair ({reason}); remove its line"
            )


def _places(rows: pa.Table, keys: list[str]) -> list[int | None]:
    found: list[int | None] = pc.index_in(pa.array(keys, pa.string()), rows["sample_key"].combine_chunks()).to_pylist()
    return found


def _with_review(rows: pa.Table, people: Mapping[str, ReviewRow]) -> pa.Table:
    """`rows` with people's decisions instead of the policy's, and who made them."""
    if not people:
        return rows.append_column("reviewer", pa.array([""] * rows.num_rows, pa.string()))
    keys = list(people)
    reviewer = [""] * rows.num_rows
    verdict, reason, reasons, paired = (rows[name].to_pylist() for name in ("verdict", "reason", "reasons", "paired"))
    for key, place in zip(keys, _places(rows, keys), strict=True):
        accept = people[key].decision == "accept"
        if place is None or (accept and not paired[place]):
            continue
        verdict[place] = "accepted" if accept else "rejected"
        reasons[place] = [] if accept else list(dict.fromkeys([TURNED_DOWN, *reasons[place]]))
        reason[place] = "" if accept else TURNED_DOWN
        reviewer[place] = people[key].reviewer or "unnamed"
    for name, values in (("verdict", verdict), ("reason", reason), ("reasons", reasons)):
        column = pa.array(values, rows.schema.field(name).type)
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    return rows.append_column("reviewer", pa.array(reviewer, pa.string()))


def _with_standing(rows: pa.Table, dataset: Dataset) -> pa.Table:
    """`rows` whose before_* columns are those of the decision that stands, where there is one."""
    if not dataset.decision.exists():
        return rows
    standing = pq.read_table(dataset.decision, columns=["sample_key", "verdict", "reason"])
    places = pc.index_in(rows["sample_key"], standing["sample_key"].combine_chunks())
    for name in ("verdict", "reason"):
        found = standing[name].take(places)
        column = pc.coalesce(found, rows[f"before_{name}"])
        rows = rows.set_column(rows.schema.get_field_index(f"before_{name}"), f"before_{name}", column)
    return rows
