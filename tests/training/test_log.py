"""Rows, times, pictures, and what a resumed run forgets."""

import json
from io import StringIO

import cv2
import pytest
import torch
from rich.console import Console

from evaluation.training_log import stage_curves
from training.observing.log import TIMED, RunLog, read_rows
from training.observing.timings import Memory, Timings


def timings(seconds=0.5):
    return Timings(1, seconds, 0.01, samples=8, flops=1e12, devices=1, memory=Memory(2**30, None), peak=8e12)


@pytest.fixture
def log(tmp_path):
    log = RunLog(tmp_path, None, 100, Console(quiet=True))
    yield log
    log.close()


def train_row(log, step, stage="transfer"):
    log.advance(stage, 0.5)
    values = {"loss": 0.5, "loss_by_time": {"0.0-0.1": 0.4}, "loss_by_task": {"haze": 0.6}, "learning_rate": 1e-5}
    log.write("train", step, stage, {**values, "gradient_norm": 1.0})
    log.timings(step, stage, timings())


def timing_rows(folder):
    return [json.loads(line) for line in (folder / "timings.jsonl").read_text().splitlines()]


def test_rows_are_those_that_the_report_reads(log, tmp_path):
    train_row(log, 1)
    log.write("validation", 1, "transfer", {"score": 1.5, "gain": {"haze": 1.5}})
    curve = stage_curves(read_rows(tmp_path))[0]
    assert curve.losses == {1: 0.5} and curve.scores == {1: 1.5} and curve.gains == {"haze": {1: 1.5}}


def test_times_are_means_apart_from_the_metrics(log, tmp_path):
    for step in range(1, TIMED + 2):
        train_row(log, step)
    train_row(log, TIMED + 2)
    train_row(log, TIMED + 3, "finetune")
    log.close()
    rows = timing_rows(tmp_path)
    assert [(row["step"], row["steps"], row["stage"]) for row in rows] == [
        (1, 1, "transfer"),
        (TIMED + 1, TIMED, "transfer"),
        (TIMED + 2, 1, "transfer"),
        (TIMED + 3, 1, "finetune"),
    ]
    assert rows[1]["samples_per_second"] == pytest.approx(16.0) and rows[1]["mfu"] == pytest.approx(0.25)
    assert "seconds" not in (tmp_path / "metrics.jsonl").read_text()


def test_a_resumed_run_drops_later_rows_of_both_files(log, tmp_path):
    for step in range(1, TIMED + 2):
        train_row(log, step)
    log.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "step": 1')
    RunLog(tmp_path, 5, 100, Console(quiet=True)).close()
    assert [row["step"] for row in read_rows(tmp_path)] == [1, 2, 3, 4, 5]
    assert [row["step"] for row in timing_rows(tmp_path)] == [1]
    RunLog(tmp_path, None, 100, Console(quiet=True)).close()
    assert read_rows(tmp_path) == [] and timing_rows(tmp_path) == []


def test_the_bar_tells_loss_rate_wait_and_mfu(tmp_path):
    screen = StringIO()
    log = RunLog(tmp_path, None, 2, Console(file=screen, width=200, force_terminal=True))
    train_row(log, 1)
    train_row(log, 2)
    log.close()
    assert "loss 0.5000, 16 samples/s, data wait 2.0%, MFU 25.0%" in screen.getvalue()


def test_validation_pictures_are_one_sheet_of_any_sizes(log, tmp_path):
    pictures = [torch.rand(3, 40, 30), torch.rand(3, 500, 800)]
    log.pictures(7, pictures, [1 - each for each in pictures], pictures, ["haze", "rain"])
    log.pictures(8, [], [], [], [])
    sheet = cv2.imread(str(tmp_path / "pictures" / "step-7.png"))
    assert sheet.shape[1] >= 3 * 384 and sheet.shape[0] >= 2 * 240
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["step-7.png"]


def test_tensorboard_holds_scalars_recipe_and_pictures(log, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train_row(log, 1)
    log.recipe("training:\n  crop: 96\n")
    log.pictures(1, [torch.rand(3, 8, 8)], [torch.rand(3, 8, 8)], [torch.rand(3, 8, 8)], ["haze"])
    log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert {"train/loss", "train/loss_by_time/0.0-0.1", "train/loss_by_task/haze"} <= set(tags["scalars"])
    assert {"timings/samples_per_second", "timings/mfu", "timings/memory_gib/allocated"} <= set(tags["scalars"])
    assert tags["images"] == ["validation/pictures"] and "recipe/text_summary" in tags["tensors"]
