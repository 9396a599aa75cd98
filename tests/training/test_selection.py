"""The choice of the best: ranking, what is kept, early stopping, and its way through JSON."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.selection import Selection

SCORES = st.one_of(st.floats(), st.integers(-3, 3).map(float), st.just(math.nan))
CURVES = st.lists(st.tuples(st.sampled_from(["transfer", "finetune"]), SCORES), min_size=1, max_size=12)


def judged(curve, best_kept=2, patience=0):
    selection = Selection(best_kept, patience)
    for step, (stage, score) in enumerate(curve):
        selection = selection.judge(stage, step, score)
    return selection


@given(CURVES)
def test_nothing_of_its_stage_beats_the_best_and_nothing_earlier_equals_it(curve):
    selection = judged(curve)
    for stage in {stage for stage, _ in curve}:
        best = selection.best(stage)
        for step, (other, score) in enumerate(curve):
            if other == stage and not math.isnan(score):
                assert curve[best][1] >= score
                assert step >= best or score < curve[best][1]


@given(CURVES, st.integers(1, 4))
def test_every_stage_keeps_its_best_and_no_more_than_asked(curve, best_kept):
    selection = judged(curve, best_kept)
    for stage in {stage for stage, _ in curve}:
        kept = {step for step in selection.kept() if curve[step][0] == stage}
        assert selection.best(stage) in kept
        assert len(kept) == min(best_kept, sum(other == stage for other, _ in curve))


@given(CURVES, st.integers(1, 4))
def test_a_stage_stops_after_so_many_validations_in_a_row_without_a_new_best(curve, patience):
    selection = judged(curve, patience=patience)
    for stage in {stage for stage, _ in curve}:
        steps = [step for step, (other, _) in enumerate(curve) if other == stage]
        assert selection.stops(stage) == (steps.index(selection.best(stage)) < len(steps) - patience)
    assert not judged(curve, patience=0).stops(curve[0][0])


@given(CURVES)
def test_it_comes_back_from_json_with_all_its_judgements(curve):
    selection = judged(curve, best_kept=3, patience=2)
    again = Selection.read(json.loads(json.dumps(selection.state())))
    assert again.state() == selection.state()
    assert (again.choice(), again.kept()) == (selection.choice(), selection.kept())
    assert (again.best_kept, again.patience) == (3, 2)


def test_nan_is_worse_than_any_number_and_counts_for_patience():
    curve = [("transfer", math.nan), ("transfer", -math.inf), ("transfer", math.nan)]
    assert judged(curve).best("transfer") == 1
    assert judged(curve[:1]).best("transfer") == 0
    assert judged(curve, patience=1).stops("transfer") and not judged(curve, patience=2).stops("transfer")


def test_of_equal_stages_the_later_is_chosen_and_of_equal_steps_the_earlier():
    curve = [("transfer", 2.0), ("finetune", 2.0), ("finetune", 2.0)]
    assert judged(curve).choice() == ("finetune", 1)
    assert judged([("transfer", 3.0), *curve[1:]]).choice() == ("transfer", 0)


def test_judging_leaves_the_earlier_selection_as_it_was():
    before = Selection(1, 0)
    after = before.judge("transfer", 10, 1.0)
    assert before.curve == () and after.kept() == {10} and not before.kept()
    with pytest.raises(KeyError):
        before.best("transfer")
