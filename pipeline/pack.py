"""Packing: the shards of a decision, with the samples that the run did not keep made again from their traces."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from pipeline.commit import commit_unit
from pipeline.dataset import Dataset
from pipeline.engines.engine import Engine
from pipeline.members import text_member
from pipeline.remake import remake
from pipeline.report import UnitReport
from pipeline.shards.members import stored_members
from pipeline.shards.writer import ShardSample
from pipeline.text.of_row import texts_between, texts_of_row
from pipeline.text.rewriter import Rewriter
from schemas.errors import DatasetError
from schemas.ledger import LedgerRow, Verdict
from schemas.recipe import Recipe
from schemas.record import canonical_json
from schemas.shard import ShardIndexRow
from schemas.text import TextRow


class PackUnit(NamedTuple):
    """A unit by number and split, and what was decided about its rows: [verdict, reasons] by sample."""

    number: int
    split: str
    decided: dict[str, tuple[Verdict, list[str]]]


@dataclass(frozen=True)
class Packing:
    """What a packing will do: all ledger rows, accepted samples, those among them that must be made again, the units
    not done yet, and what the result depends on beside the recipe.
    """

    rows: int
    accepted: int
    remade: int
    pending: list[PackUnit]
    made_of: dict[str, str]


def plan_packing(dataset: Dataset, out: Path) -> Packing:
    """Reads the standing decision of `dataset` (the run's own if none was made) and what `out` has of it.

    Raises DatasetError when nothing was accepted.
    """
    standing = _standing(dataset)
    target = Dataset(out)
    done = target.done_units() - target.unscored_units()
    digest = hashlib.sha256(dataset.fingerprint().encode())
    total, accepted, remade, pending = 0, 0, 0, []
    for part in sorted(dataset.ledger.glob("*.parquet")):
        columns = ["sample_key", "verdict", "reasons", "shard", "unit", "split"]
        rows = pq.read_table(part, columns=columns).to_pylist()
        decided = {row["sample_key"]: standing.get(row["sample_key"], (row["verdict"], row["reasons"])) for row in rows}
        chosen = [row for row in rows if decided[row["sample_key"]][0] == "accepted"]
        total += len(rows)
        accepted += len(chosen)
        remade += sum(not row["shard"] for row in chosen)
        digest.update(canonical_json([part.stem, decided]).encode())
        if rows[0]["unit"] not in done:
            pending.append(PackUnit(rows[0]["unit"], rows[0]["split"], decided))
    if not accepted:
        raise DatasetError(f"{dataset.root}: no sample is accepted; decide with another policy first")
    return Packing(total, accepted, remade, pending, {"packed.decision": digest.hexdigest()[:16]})


def pack_units(dataset: Dataset, out: Path, recipe: Recipe, packing: Packing, engine: Engine) -> Iterator[UnitReport]:
    """Packs the pending units into the dataset at `out` and yields a report of each as it is committed.

    Raises DatasetError when `out` holds something else, the packing of another decision for one.
    """
    Dataset.create(out, recipe, packing.made_of)
    tasks = [json.dumps(unit).encode() for unit in packing.pending]
    arguments = (dataset.root.absolute(), out.absolute(), recipe)
    for result in engine.run(tasks, PackWorker, arguments, recipe.engine.worker_gpus):
        yield UnitReport.from_bytes(result)


def _standing(dataset: Dataset) -> dict[str, tuple[Verdict, list[str]]]:
    if not dataset.decision.exists():
        return {}
    table = pq.read_table(dataset.decision, columns=["sample_key", "verdict", "reasons"])
    keys, verdicts, reasons = (table[name].to_pylist() for name in table.column_names)
    return {key: (verdict, why) for key, verdict, why in zip(keys, verdicts, reasons, strict=True)}


class PackWorker:
    """Called with a `PackUnit` as JSON; writes its accepted samples; returns a `UnitReport` as bytes.

    A sample that cannot be made again ends as failed with the error, and is tried again by the next run; so is a text
    that could not be reworded, which stays as it was.
    """

    def __init__(self, root: Path, out: Path, recipe: Recipe) -> None:
        self._source, self._target, self._recipe = Dataset.open(root), Dataset.open(out), recipe
        self._rewriter = Rewriter(recipe.text.rewriter) if recipe.text.rewriter.model else None

    def __call__(self, task: bytes) -> bytes:
        number, split, verdicts = json.loads(task)
        source, target = self._source, self._target
        stem = target.stem(number, split)
        theirs = f"{source.stem(number, split)}.parquet"
        index = _index(source.index / theirs)
        rows: list[LedgerRow] = []
        samples: list[ShardSample] = []
        texts: list[TextRow] = []
        for row in LedgerRow.read_parquet(source.ledger / theirs):
            decided = _decided(row, *verdicts[row.sample_key])
            if decided.verdict == "accepted":
                try:
                    members = stored_members(source, row, index) or remake(row, source, self._recipe)
                    own = texts_of_row(row, self._recipe.text)
                    own, faults = self._rewriter.rewrite(own) if self._rewriter else (own, [])
                except Exception as error:
                    decided = _failed(decided, error)
                else:
                    texts += own
                    samples.append(ShardSample(row, row.task, {**members, **text_member(own)}))
                    decided = decided.model_copy(update={"shard": f"{stem}.tar", "unscored": faults})
            rows.append(decided)
        texts += texts_between([row for row in rows if row.verdict == "accepted"], self._recipe.text)
        commit_unit(target, stem, samples, rows, texts=texts)
        return UnitReport.of_rows(number, rows).to_bytes()


def _decided(row: LedgerRow, verdict: Verdict, reasons: list[str]) -> LedgerRow:
    update = {"verdict": verdict, "reason": reasons[0] if reasons else "", "reasons": reasons, "shard": ""}
    return row.model_copy(update=update)


def _index(path: Path) -> list[ShardIndexRow]:
    """A unit's index; empty where a run was killed while it did the unit again."""
    return ShardIndexRow.read_parquet(path) if path.exists() else []


def _failed(row: LedgerRow, error: Exception) -> LedgerRow:
    fault, reason = f"{type(error).__name__}: {error}", "failed.pack"
    lost = {"verdict": "failed", "reason": reason, "reasons": [reason], "error": fault, "unscored": [f"pack: {fault}"]}
    return row.model_copy(update=lost)
