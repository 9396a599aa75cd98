"""The policy: scores → verdict, for one sample or a whole ledger. It sees no pixel and runs no model.

A harvested photograph is judged in two steps: by the rules on itself (`input.*` scores), and, if none speaks against
it, by those on its clean reference and on the pair. So a photograph for which no reference was worth making has the
reasons that say so, and no others. Rules on the clean target of a synthesis (`source.*`) do not concern it, but for
those on its likeness to other sources; rules on a reference (`reference.*`) concern nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.recipe.policy import PolicySection, Rule

_BATCH = 131072
#: Positions of a rule's three reasons.
_LOW, _HIGH, _MISSING = 0, 1, 2
_SUFFIXES = ("low", "high", "missing")
#: The scores that every harvested photograph has, and every clean reference of one.
PHOTOGRAPH, REFERENCE = "input.short_side", "reference.short_side"
#: Scores against the other sources, which rows of either kind have.
LIKENESS = frozenset({"source.near_duplicate_distance", "source.similarity"})
NO_REFERENCE, PENDING = "reference.missing", "review.pending"


def decide(scores: Mapping[str, float], degradation: str, role: str, policy: PolicySection) -> list[str]:
    """The reasons against a sample in the order of the rules, each once; none means accepted.

    `SCORE.low` below a rule's min, `SCORE.high` above its max, `SCORE.missing` when absent or not a number. Of a
    harvested photograph: `reference.missing` when nothing speaks against it but it has no reference. `review.pending`
    when nothing speaks against a sample that people are to look at.
    """
    harvested = _measured(scores, PHOTOGRAPH)
    holding = [rule for rule in policy.rules if _holds_for(rule, degradation, role) and _about(rule, harvested)]
    if harvested:
        if faults := _reasons([rule for rule in holding if _of_photograph(rule)], scores):
            return faults
        if not _measured(scores, REFERENCE):
            return [NO_REFERENCE]
    if faults := _reasons(holding, scores):
        return faults
    return [PENDING] if role in policy.review else []


def decide_photograph(scores: Mapping[str, float], degradation: str, policy: PolicySection) -> list[str]:
    """The reasons against a harvested photograph itself, as `decide` gives them before it looks at a reference."""
    return _reasons(
        [rule for rule in policy.rules if _of_photograph(rule) and _holds_for(rule, degradation, "real")], scores
    )


def decide_table(ledger: pa.Table, policy: PolicySection) -> pa.Table:
    """Re-decides a ledger: columns verdict, reason and reasons (list of strings), one row a ledger row, in order.

    Reads the columns verdict, reason, reasons, degradation, role and scores of `schemas.ledger.LedgerRow` (the names of
    scores may be dictionary-encoded). Rows that failed and rows without any score (settled before the filters:
    `decode.*`, duplicates) stay as they are; all others end as `decide` says.
    """
    return decide_with_scores(ledger, policy)[0]


def decide_with_scores(ledger: pa.Table, policy: PolicySection) -> tuple[pa.Table, dict[str, NDArray[np.float64]]]:
    """`decide_table`, and each score that a rule names, `PHOTOGRAPH` and `REFERENCE` besides, as float64 (rows,), NaN
    where a row lacks it."""
    names = ["verdict", "reason", "reasons"]
    schema = pa.schema([ledger.schema.field(name) for name in names])
    ruled = sorted({PHOTOGRAPH, REFERENCE, *(rule.score for rule in policy.rules)})
    found: dict[str, list[NDArray[np.float64]]] = {name: [np.empty(0)] for name in ruled}
    decided = []
    for batch in ledger.select([*names, "degradation", "role", "scores"]).to_batches(max_chunksize=_BATCH):
        offsets = np.asarray(batch.column("scores").offsets)
        columns = _score_columns(batch.column("scores"), offsets, np.diff(offsets), set(ruled))
        decided.append(_decide_batch(batch, policy, schema, columns, np.diff(offsets)))
        for name in ruled:
            found[name].append(columns[name])
    scores = {name: np.concatenate(columns) for name, columns in found.items()}
    return pa.Table.from_batches(decided, schema=schema), scores


def _reasons(rules: Sequence[Rule], scores: Mapping[str, float]) -> list[str]:
    reasons: dict[str, None] = {}
    for rule in rules:
        if fault := _fault(rule, scores.get(rule.score, math.nan)):
            reasons[f"{rule.score}.{fault}"] = None
    return list(reasons)


def _measured(scores: Mapping[str, float], name: str) -> bool:
    return not math.isnan(scores.get(name, math.nan))


def _of_photograph(rule: Rule) -> bool:
    return rule.score.startswith("input.") or rule.score in LIKENESS


def _about(rule: Rule, harvested: bool) -> bool:
    """Whether the rule concerns rows of a harvest, or of a synthesis."""
    if harvested:
        return rule.score in LIKENESS or not rule.score.startswith("source.")
    return not rule.score.startswith("reference.")


def _holds_for(rule: Rule, degradation: str, role: str) -> bool:
    return (not rule.degradations or degradation in rule.degradations) and (not rule.roles or role in rule.roles)


def _fault(rule: Rule, score: float) -> str | None:
    if math.isnan(score):
        return _SUFFIXES[_MISSING]
    if rule.min is not None and score < rule.min:
        return _SUFFIXES[_LOW]
    if rule.max is not None and score > rule.max:
        return _SUFFIXES[_HIGH]
    return None


def _decide_batch(
    batch: pa.RecordBatch,
    policy: PolicySection,
    schema: pa.Schema,
    columns: dict[str, NDArray[np.float64]],
    sizes: NDArray[np.int32],
) -> pa.RecordBatch:
    settled = (sizes == 0) | _equal(batch.column("verdict"), "failed")
    harvested = ~np.isnan(columns[PHOTOGRAPH])

    texts = [NO_REFERENCE, PENDING]
    texts += dict.fromkeys(f"{rule.score}.{suffix}" for rule in policy.rules for suffix in _SUFFIXES)
    # faults[row, rule]: position of the reason in `texts`, −1 where the rule is kept or does not hold.
    faults: NDArray[np.int32] = np.full((batch.num_rows, len(policy.rules)), -1, dtype=np.int32)
    for number, rule in enumerate(policy.rules):
        about = np.where(harvested, _about(rule, True), _about(rule, False))
        concerned = ~settled & about & _concerned(rule, batch.column("degradation"), batch.column("role"))
        fault = _faults(rule, columns[rule.score])
        text_of = np.array([texts.index(f"{rule.score}.{suffix}") for suffix in _SUFFIXES] + [-1])
        fault = np.where(concerned, text_of[fault], -1)
        said_before = (faults[:, :number] == fault[:, None]).any(axis=1)
        faults[:, number] = np.where(said_before, -1, fault)
    of_photograph = np.array([_of_photograph(rule) for rule in policy.rules], dtype=np.bool_)
    unfit = harvested & (faults[:, of_photograph] >= 0).any(axis=1)
    without = harvested & ~settled & ~unfit & np.isnan(columns[REFERENCE])
    faults[np.ix_(unfit | without, ~of_photograph)] = -1
    pending = ~settled & ~without & (faults < 0).all(axis=1)
    pending &= np.asarray(pc.is_in(batch.column("role"), value_set=pa.array(policy.review, pa.string())))
    last = np.where(without, texts.index(NO_REFERENCE), np.where(pending, texts.index(PENDING), -1))
    faults = np.column_stack([faults, last.astype(np.int32)])

    rows, rules = np.nonzero(faults >= 0)
    found = faults[rows, rules]
    first = np.full(batch.num_rows, len(texts), dtype=np.int32)
    first[rows[::-1]] = found[::-1]
    counts = np.bincount(rows, minlength=batch.num_rows)
    reasons = pa.ListArray.from_arrays(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int32), pa.array(texts, pa.string()).take(found)
    )
    keep = pa.array(settled)
    decided = {
        "verdict": pc.if_else(pa.array(counts > 0), "rejected", "accepted"),
        "reason": pa.array([*texts, ""], pa.string()).take(first),
        "reasons": reasons,
    }
    return pa.RecordBatch.from_arrays(
        [pc.if_else(keep, batch.column(field.name), decided[field.name].cast(field.type)) for field in schema],
        schema=schema,
    )


def _score_columns(
    scores: pa.MapArray, offsets: NDArray[np.int32], sizes: NDArray[np.int32], names: set[str]
) -> dict[str, NDArray[np.float64]]:
    """One float64 column (rows,) a name out of the map column; NaN where a row lacks it."""
    start, stop = int(offsets[0]), int(offsets[-1])
    keys = scores.keys.slice(start, stop - start)
    if not pa.types.is_dictionary(keys.type):
        keys = keys.dictionary_encode()
    codes = np.asarray(keys.indices)
    values = scores.items.slice(start, stop - start).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    code_of = {name: code for code, name in enumerate(keys.dictionary.to_pylist())}
    columns = {}
    for name in names:
        column = np.full(len(sizes), np.nan)
        if name in code_of:
            chosen = codes == code_of[name]
            column[rows[chosen]] = values[chosen]
        columns[name] = column
    return columns


def _faults(rule: Rule, column: NDArray[np.float64]) -> NDArray[np.int32]:
    """Position in `_SUFFIXES` of each row's fault; −1, past its end, for none."""
    fault = np.where(np.isnan(column), _MISSING, -1)
    if rule.min is not None:
        fault[column < rule.min] = _LOW
    if rule.max is not None:
        fault[column > rule.max] = _HIGH
    return fault.astype(np.int32)


def _concerned(rule: Rule, degradation: pa.Array, role: pa.Array) -> NDArray[np.bool_]:
    concerned = np.ones(len(degradation), dtype=np.bool_)
    for column, wanted in ((degradation, rule.degradations), (role, rule.roles)):
        if wanted:
            concerned &= np.asarray(pc.is_in(column, value_set=pa.array(wanted, column.type)))
    return concerned


def _equal(column: pa.Array, value: str) -> NDArray[np.bool_]:
    return np.asarray(pc.equal(column, value))
