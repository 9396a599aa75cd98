"""The policy decides from scores alone, and alike for one sample and for a ledger."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.policy import decide, decide_photograph, decide_table
from schemas.ledger import LedgerRow
from schemas.recipe.policy import PolicySection, Rule

SCORES = ["source.sharpness", "source.noise_sigma", "pair.strength", "pair.shift"]
#: What harvested photographs have, with and without a reference.
SCORES += ["input.short_side", "input.watermark", "reference.short_side", "reference.sharpness", "source.similarity"]
DEGRADATIONS = ["noise", "blur", "haze"]
ROLES = ["synthetic", "real"]

values = st.one_of(st.floats(-2, 2), st.just(math.nan), st.sampled_from([0.0, 0.5, 1.0, math.inf]))
score_maps = st.dictionaries(st.sampled_from(SCORES), values)


@st.composite
def rules(draw):
    low, high = sorted([draw(st.floats(-1, 1)), draw(st.floats(-1, 1))])
    kind = draw(st.sampled_from(["min", "max", "both"]))
    return Rule(
        score=draw(st.sampled_from(SCORES)),
        min=low if kind != "max" else None,
        max=high if kind != "min" else None,
        degradations=tuple(draw(st.lists(st.sampled_from(DEGRADATIONS), max_size=2, unique=True))),
        roles=tuple(draw(st.lists(st.sampled_from(ROLES), max_size=1))),
    )


policies = st.builds(
    lambda found, review: PolicySection(rules=tuple(found), review=tuple(review)),
    st.lists(rules(), max_size=6),
    st.lists(st.sampled_from(ROLES), max_size=1),
)


def row(**fields):
    return LedgerRow(
        **{
            "unit": 0,
            "sample_key": "k",
            "source_key": "s",
            "uri": "u",
            "sha256": "h",
            "size": 1,
            "role": "synthetic",
            "split": "train",
            "task": "t",
            "degradation": "noise",
            "variant": 0,
            "severity": 0.5,
            "verdict": "accepted",
            **fields,
        }
    )


def test_the_three_reasons_and_the_inclusive_bounds():
    policy = PolicySection(rules=(Rule(score="a", min=1, max=2),))
    assert decide({"a": 1.0}, "noise", "synthetic", policy) == []
    assert decide({"a": 2.0}, "noise", "synthetic", policy) == []
    assert decide({"a": 0.99}, "noise", "synthetic", policy) == ["a.low"]
    assert decide({"a": 2.01}, "noise", "synthetic", policy) == ["a.high"]
    assert decide({"a": math.nan}, "noise", "synthetic", policy) == ["a.missing"]
    assert decide({}, "noise", "synthetic", policy) == ["a.missing"]


def test_reasons_come_in_the_order_of_the_rules_each_once():
    policy = PolicySection(
        rules=(Rule(score="b", max=0), Rule(score="a", min=5), Rule(score="b", max=1), Rule(score="b", min=9))
    )
    assert decide({"a": 1, "b": 2}, "noise", "synthetic", policy) == ["b.high", "a.low", "b.low"]


def test_a_rule_holds_for_its_degradations_and_roles_only():
    policy = PolicySection(rules=(Rule(score="a", min=1, degradations=("blur",), roles=("real",)),))
    assert decide({"a": 0}, "blur", "real", policy) == ["a.low"]
    assert decide({"a": 0}, "noise", "real", policy) == []
    assert decide({"a": 0}, "blur", "synthetic", policy) == []


def test_a_photograph_that_is_unfit_has_no_reasons_of_its_reference():
    policy = PolicySection(
        rules=(
            Rule(score="pair.shift", max=1),
            Rule(score="input.watermark", max=0.5),
            Rule(score="reference.sharpness", min=1),
        )
    )
    fit, unfit = (
        {"input.short_side": 500.0, "input.watermark": 0.1},
        {"input.short_side": 500.0, "input.watermark": 0.9},
    )
    assert decide(unfit, "haze", "real", policy) == ["input.watermark.high"]
    assert decide_photograph(unfit, "haze", policy) == ["input.watermark.high"]
    assert decide(fit, "haze", "real", policy) == ["reference.missing"]
    assert decide_photograph(fit, "haze", policy) == []
    paired = {"reference.short_side": 500.0, "reference.sharpness": 0.5, "pair.shift": 2.0}
    assert decide({**fit, **paired}, "haze", "real", policy) == ["pair.shift.high", "reference.sharpness.low"]
    assert decide({**unfit, **paired}, "haze", "real", policy) == ["input.watermark.high"]


def test_rules_on_targets_and_references_concern_their_own_rows():
    rules = (
        Rule(score="source.sharpness", min=1),
        Rule(score="source.similarity", max=0.9),
        Rule(score="reference.sharpness", min=1),
    )
    policy = PolicySection(rules=rules)
    assert decide({"a": 1.0}, "haze", "real", policy) == ["source.sharpness.missing", "source.similarity.missing"]
    harvested = {"input.short_side": 9.0, "reference.short_side": 9.0, "source.similarity": 0.5}
    assert decide(harvested, "haze", "real", policy) == ["reference.sharpness.missing"]
    assert decide({**harvested, "source.similarity": 0.95}, "haze", "real", policy) == ["source.similarity.high"]


def test_samples_of_a_reviewed_role_wait_for_people():
    policy = PolicySection(rules=(Rule(score="a", min=1),), review=("real",))
    assert decide({"a": 2}, "haze", "real", policy) == ["review.pending"]
    assert decide({"a": 0}, "haze", "real", policy) == ["a.low"]
    assert decide({"a": 2}, "haze", "synthetic", policy) == []


@settings(max_examples=100, deadline=None)
@given(
    scores=score_maps,
    policy=policies,
    degradation=st.sampled_from(DEGRADATIONS),
    role=st.sampled_from(ROLES),
    data=st.data(),
)
def test_a_tightened_bound_never_accepts_more(scores, policy, degradation, role, data):
    """And never drops a reason of the other rules, unless it speaks against the photograph of a harvested pair."""
    if not policy.rules:
        return
    number = data.draw(st.integers(0, len(policy.rules) - 1))
    rule = policy.rules[number]
    low = rule.min if rule.min is not None else -2.0
    high = rule.max if rule.max is not None else 2.0
    low, high = sorted([data.draw(st.floats(low, high)), data.draw(st.floats(low, high))])
    tightened = rule.model_copy(update={"min": low, "max": high})
    before = decide(scores, degradation, role, policy)
    after = decide(
        scores,
        degradation,
        role,
        PolicySection(rules=(*policy.rules[:number], tightened, *policy.rules[number + 1 :]), review=policy.review),
    )
    assert after or not before
    if math.isnan(scores.get("input.short_side", math.nan)):
        assert set(before) - {"review.pending"} <= set(after)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(score_maps, st.sampled_from(DEGRADATIONS), st.sampled_from(ROLES)), max_size=8),
    policy=policies,
    cut=st.integers(0, 8),
)
def test_a_ledger_is_decided_as_its_rows_are(rows, policy, cut):
    ledger = LedgerRow.to_table([row(scores=s, degradation=d, role=r) for s, d, r in rows])
    ledger = pa.concat_tables([ledger.slice(cut), ledger.slice(0, cut)])
    order = rows[cut:] + rows[:cut]
    decided = decide_table(ledger, policy)
    assert decided.column_names == ["verdict", "reason", "reasons"]
    for got, (scores, degradation, role) in zip(decided.to_pylist(), order, strict=True):
        if not scores:
            assert got == {"verdict": "accepted", "reason": "", "reasons": []}
            continue
        reasons = decide(scores, degradation, role, policy)
        assert got["reasons"] == reasons
        assert got["verdict"] == ("rejected" if reasons else "accepted")
        assert got["reason"] == (reasons[0] if reasons else "")


def test_rows_settled_before_the_scores_stay_as_they_are():
    settled = [
        row(verdict="rejected", reason="decode.empty", reasons=["decode.empty"]),
        row(verdict="rejected", reason="duplicate.exact", reasons=["duplicate.exact", "decode.animated"]),
        row(verdict="failed", reason="degrade", error="MemoryError", scores={"a": 1.0}),
    ]
    judged = [row(verdict="rejected", reason="a.low", reasons=["a.low"], scores={"a": 1.0})]
    decided = decide_table(LedgerRow.to_table(settled + judged), PolicySection(rules=(Rule(score="a", max=0.5),)))
    assert decided.to_pylist() == [
        *({"verdict": r.verdict, "reason": r.reason, "reasons": r.reasons} for r in settled),
        {"verdict": "rejected", "reason": "a.high", "reasons": ["a.high"]},
    ]


@pytest.mark.parametrize("policy", [PolicySection(), PolicySection(rules=())])
def test_an_empty_ledger(policy):
    assert decide_table(LedgerRow.to_table([]), policy).num_rows == 0


def test_no_rules_accept_what_was_scored():
    table = LedgerRow.to_table([row(verdict="rejected", reason="a.low", reasons=["a.low"], scores={"a": 1.0})])
    decided = decide_table(table, PolicySection(rules=()))
    assert decided.to_pylist() == [{"verdict": "accepted", "reason": "", "reasons": []}]
