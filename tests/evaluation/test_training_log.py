import numpy as np
import pytest

from evaluation.charts import running_mean, training_curves
from evaluation.training_log import stage_curves

ROWS = [
    {"kind": "train", "step": 1, "stage": "transfer", "loss": 1.0, "learning_rate": 1e-4, "gradient_norm": 2.0},
    {"kind": "train", "step": 2, "stage": "transfer", "loss": 0.5, "learning_rate": 1e-4, "gradient_norm": 2.0},
    {"kind": "validation", "step": 1, "stage": "transfer", "score": 0.5, "gain": {"noise": 1.0, "blur": 0.0}},
    {"kind": "validation", "step": 2, "stage": "transfer", "score": 0.5, "gain": {"noise": 1.5, "blur": -0.25}},
    {"kind": "train", "step": 3, "stage": "finetune", "loss": 0.25, "learning_rate": 1e-4, "gradient_norm": 2.0},
]


def test_rows_become_stages_in_their_order():
    transfer, finetune = stage_curves(ROWS)
    assert (transfer.name, finetune.name) == ("transfer", "finetune")
    assert transfer.losses == {1: 1.0, 2: 0.5}
    assert transfer.gains == {"noise": {1: 1.0, 2: 1.5}, "blur": {1: 0.0, 2: -0.25}}
    assert (transfer.last_step, finetune.last_step) == (2, 3)


def test_the_best_is_the_earliest_of_equals_and_none_without_validation():
    transfer, finetune = stage_curves(ROWS)
    assert (transfer.best, finetune.best) == (1, None)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'epoch' at step 7"):
        stage_curves([{"kind": "epoch", "step": 7, "stage": "transfer"}])


def test_running_mean_takes_what_there_is():
    assert running_mean(np.array([1.0, 3.0, 5.0, 7.0]), 2).tolist() == [1.0, 2.0, 4.0, 6.0]


def test_a_stage_name_is_text_in_the_chart():
    rows = [{**row, "stage": "<script>$x$"} for row in ROWS]
    svg = training_curves(stage_curves(rows))
    assert "<script>" not in svg and "&lt;script&gt;$x$" in svg


def test_a_log_without_validation_has_one_panel():
    svg = training_curves(stage_curves(ROWS[:2]))
    assert "training loss" in svg and "validation" not in svg
