"""Validation, early stopping, which checkpoints stay, and what a run leaves behind to look at."""

import json

import cv2
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.runs import STAGE, checkpoint, cut, losses, run, same_bits, stage, steps, weights
from training.observing.log import read_rows

#: So small a rate that no weight moves and every validation scores the same.
STILL = 1e-30


def validations(out):
    return [row for row in read_rows(out) if row["kind"] == "validation"]


def curve(out, step):
    """Of the state saved with a checkpoint."""
    state = json.loads((out / "checkpoints" / f"step-{step:08d}" / "state.json").read_text())
    return state["selection"]["curve"]


@pytest.fixture(scope="module")
def stopped_early(sets, tmp_path_factory):
    """The first stage learns nothing and has patience for two validations."""
    out = tmp_path_factory.mktemp("early") / "run"
    stages = {"transfer": {**STAGE, "steps": 20, "learning_rate": STILL}, "finetune": {**STAGE, "steps": 4}}
    changes = {
        "stages": stages,
        "validation": {"every": 2, "samples": 1, "steps": 1, "patience": 2},
        "checkpoints": {"newest": 20},
    }
    return out, changes, run(out, sets, **changes)


def test_a_stage_without_a_new_best_ends_early_and_the_next_begins_from_the_best(stopped_early):
    out, _, result = stopped_early
    rows = read_rows(out)
    trained = [(row["stage"], row["step"]) for row in rows if row["kind"] == "train"]
    assert trained == [("transfer", step) for step in range(1, 5)] + [("finetune", step) for step in range(5, 9)]
    assert [(row["step"], row["score"]) for row in validations(out)][:3] == [(0, 0.0), (2, 0.0), (4, 0.0)]
    assert (result.stage, result.step) == ("finetune", 8) and result.score > 0


def test_resumed_where_a_stage_ended_early_it_goes_on_with_the_next(stopped_early, sets, tmp_path):
    out, changes, _ = stopped_early
    again = cut(out, 4, tmp_path / "run")
    run(again, sets, resume=True, **changes)
    assert same_bits(again, out)


def test_the_state_of_a_checkpoint_has_the_curve_that_the_log_has(stopped_early):
    out, _, _ = stopped_early
    logged = [[row["stage"], row["step"], row["score"]] for row in validations(out)]
    assert curve(out, 8) == logged and len(logged) == 5
    assert curve(out, 2) == logged[:2]


def test_the_score_can_be_the_objective_on_fixed_times_and_noise(sets, tmp_path):
    judged = {
        "validation": {"every": 2, "samples": 2, "steps": 1, "score": "loss"},
        "objective": {"form": "noise"},
    }
    result = run(tmp_path / "run", sets, **stage(), **judged)
    rows = validations(tmp_path / "run")
    assert [row["step"] for row in rows] == [0, 2, 4, 6]
    for row in rows:
        assert row["score"] == pytest.approx(-np.mean(list(row["loss"].values())))
        assert set(row["loss"]) == {"noise", "blur", "haze"} and row["gain"] == row["blend"] == {}
    best = max(rows, key=lambda row: row["score"])
    assert (result.step, result.score) == (best["step"], best["score"]) and result.step > 0
    again = run(tmp_path / "again", sets, **stage(learning_rate=STILL), **judged)
    assert again.score == rows[0]["score"], "weights that stay as they are have the score that they had"
    assert result.editor.is_dir() and again.step == 0


def test_newest_and_best_are_kept_and_checkpoints_come_between_validations(sets, tmp_path):
    """A rate that soon ruins the editor, so that the best is an early one."""
    out = tmp_path / "run"
    validation = {"every": 4, "samples": 1, "steps": 1}
    hot = stage(steps=10, learning_rate=0.1, warmup_steps=0)
    result = run(out, sets, **hot, validation=validation, checkpoints={"every": 3, "newest": 2, "best": 2})
    scores = {row["step"]: row["score"] for row in validations(out)}
    assert list(scores) == [0, 4, 8, 10], "every fourth step and the last"
    best = sorted(scores, key=lambda step: -scores[step])[:2]
    assert best[0] == result.step == 0
    assert steps(out) == sorted({9, 10, *best})
    assert curve(out, 9) == [["transfer", step, scores[step]] for step in (0, 4, 8)]
    exported = {f"average.{name}": each for name, each in weights(out).items()}
    assert all(torch.equal(each, checkpoint(out, 0)[name]) for name, each in exported.items())


@pytest.fixture(scope="module")
def looked_at(sets, tmp_path_factory):
    """A run that was stopped after step 3 and resumed, with two pictures at every validation."""
    root = tmp_path_factory.mktemp("look")
    changes = stage(steps=12) | {
        "validation": {"every": 6, "samples": 1, "steps": 1, "pictures": 2},
        "checkpoints": {"every": 3, "newest": 20},
    }
    run(root / "whole", sets, **changes)
    run(cut(root / "whole", 3, root / "run"), sets, resume=True, **changes)
    return root / "run", root / "whole"


def test_equal_runs_have_equal_rows_and_no_times_in_them(looked_at):
    out, whole = looked_at
    assert (out / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    for row in read_rows(whole):
        assert "seconds" not in json.dumps(row)
    first = read_rows(whole)[1]
    assert set(first) == {
        *("kind", "step", "stage", "loss", "loss_by_time", "loss_by_task"),
        *("learning_rate", "gradient_norm", "replaced"),
    }


def test_the_loss_is_the_mean_of_its_tasks_and_times(looked_at):
    for row in read_rows(looked_at[1]):
        if row["kind"] == "train":
            assert set(row["loss_by_task"]) <= {"noise", "blur", "haze"}
            for parts in (row["loss_by_time"], row["loss_by_task"]):
                assert min(parts.values()) <= row["loss"] <= max(parts.values())


def test_times_of_all_steps_are_kept_apart(looked_at):
    rows = [json.loads(line) for line in (looked_at[1] / "timings.jsonl").read_text().splitlines()]
    assert [(row["step"], row["steps"], row["stage"]) for row in rows] == [
        (1, 1, "transfer"),
        (11, 10, "transfer"),
        (12, 1, "transfer"),
    ]
    for row in rows:
        assert set(row["part_seconds"]) == {"encode", "forward", "backward", "optimizer"}
        assert 0 < sum(row["part_seconds"].values()) <= row["step_seconds"]
        assert 0 <= row["data_wait_share"] <= 1 and row["memory_gib"]["allocated"] > 0


def test_tensorboard_shows_every_step_once_also_after_a_resumption(looked_at):
    whole = looked_at[1]
    for folder in looked_at:
        events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
        events.Reload()
        begun = 1 if folder is whole else 4
        shown = events.Scalars("train/loss")
        assert [each.step for each in shown] == list(range(begun, 13))
        np.testing.assert_allclose([each.value for each in shown], losses(folder)[begun - 1 :], rtol=1e-6)
        assert {"train/gradient_norm", "train/learning_rate", "timings/samples_per_second"} <= set(
            events.Tags()["scalars"]
        )
        assert [each.step for each in events.Images("validation/pictures")] == [0, 6, 12][begun > 1 :]
        assert [each.step for each in events.Scalars("validation/score")] == [0, 6, 12][begun > 1 :]
    events = EventAccumulator(str(whole / "tensorboard"))
    events.Reload()
    recipe = events.Tensors("recipe/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "learning_rate: 0.002" in recipe


def test_pictures_of_each_validation_lie_beside_the_log(looked_at):
    for folder in looked_at:
        assert sorted(path.name for path in (folder / "pictures").iterdir()) == [f"step-{n}.png" for n in (0, 12, 6)]
        first, last = (cv2.imread(str(folder / "pictures" / f"step-{step}.png")) for step in (0, 12))
        assert first.shape == last.shape and first.shape[0] >= 2 * 16 and first.shape[1] >= 3 * 16
        assert (first != last).any()
