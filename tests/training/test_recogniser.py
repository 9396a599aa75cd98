"""Training of the recogniser: what it learns from, that it learns, stops, goes on and is measured."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from filters.contract import Finding
from filters.recogniser.model import RecogniserFilter
from filters.recogniser.views import measure_names
from jobs.cli import app
from jobs.synthesize import run_synthesis
from pipeline.engines.select import build_engine
from schemas.errors import CheckpointError, DatasetError, RecipeError
from schemas.recipe import Recipe
from schemas.recogniser import RecogniserConfig
from tests.degradations.pictures import crops
from tests.tiny_recogniser import BACKBONE, write_recogniser
from tests.training.shards import MadePair, write_dataset
from training.recogniser import run as training
from training.recogniser.batches import Batches
from training.recogniser.examples import Example, Examples
from training.recogniser.measure import _measured
from training.recogniser.rewriting import framed, rewritten

OFF = ("haze", "lowlight", "rain", "flare", "moire", "reflection")


@pytest.fixture(autouse=True)
def one_thread():
    """Small pictures on several threads of a busy machine only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """Noise, blur, compression, a chain and Real-ESRGAN, of four photographs, synthesized as any dataset is."""
    root = tmp_path_factory.mktemp("recogniser")
    (root / "photos").mkdir()
    for number, picture in enumerate(crops(4, 96, 128)):
        cv2.imwrite(str(root / "photos" / f"{number}.png"), picture[:, :, ::-1])
    recipe = Recipe.model_validate(
        {
            "sources": [{"path": str(root / "photos")}],
            "plan": {"variants": 10, "severity_low": 0.6, "severity_high": 1.0, "heldout": 0.25},
            "degradations": {
                **{name: {"weight": 0} for name in (*OFF, "web_style", "apisr", "agenticir", "depictqa")},
                "chains": {"blur-noise": {"steps": ["blur", "noise"]}},
            },
            "filters": {"watermark": {"provider": "overlay"}},
            "policy": {"rules": []},
            "engine": {"kind": "local"},
        }
    )
    run_synthesis(recipe, root / "dataset", build_engine(recipe.engine), Console(quiet=True))
    return root / "dataset"


def examples_of(dataset, split="train"):
    return Examples([dataset], split)


def settings(**changes):
    chosen = {"backbone": BACKBONE, "steps": 6, "batch": 5, "tile": 32, "whole": 32, "learning_rate": 3e-3, "seed": 0}
    return training.Settings(**{**chosen, **changes})


def quiet(step, loss):
    pass


def test_examples_are_what_the_traces_know(dataset):
    examples = examples_of(dataset)
    assert examples.names == ("blur", "compression", "noise")
    groups = examples.groups()
    assert {name: len(group) for name, group in groups.items()} == {
        "blur": 6, "compression": 6, "noise": 6, "clean": 3, "chains": 6,
    }  # fmt: skip
    assert examples.unknown == 6  # Real-ESRGAN: what it did is not known step by step
    assert all(one.severities.keys() == {"blur", "noise"} for one in groups["chains"])
    assert all(0.6 <= severity <= 1.0 for one in examples.all for severity in one.severities.values())
    clean, noisy = groups["clean"][0], groups["noise"][0]
    assert np.abs(examples.pixels(noisy).astype(int) - examples.pixels(clean)).max() > 0
    held = examples_of(dataset, "heldout")
    assert not {one.key[:16] for one in held.all} & {one.key[:16] for one in examples.all}


def test_every_group_has_its_share_of_every_batch_and_steps_give_equal_batches(dataset):
    examples, names = examples_of(dataset), ("blur", "compression", "noise")
    config = RecogniserConfig(backbone=BACKBONE, names=names, statistics=measure_names(), tile=32, whole=32)
    batch = Batches(examples, config, 10, 3)[7]
    assert batch.statistics.shape == (10, len(measure_names()))
    assert batch.tiles.shape == (10, 1, 6, 32, 32) and batch.wholes.shape == (10, 3, 32, 32)
    assert batch.present.sum(0).tolist() == [4.0, 2.0, 4.0, 2.0]  # a chain is blur and noise
    assert torch.equal(batch.severities > 0, batch.present[:, :-1] > 0)
    again, other = Batches(examples_of(dataset), config, 10, 3)[7], Batches(examples, config, 10, 4)[7]
    for one, two in zip(batch, again, strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(batch.tiles, other.tiles)


def test_rewriting_keeps_the_picture(dataset):
    picture = crops(1, 200, 300)[0]
    for seed in range(12):
        rng = np.random.default_rng(seed)
        whole = rewritten(picture, rng)
        back = cv2.resize(whole, (300, 200), interpolation=cv2.INTER_LINEAR)
        assert np.abs(back.astype(int) - picture).mean() < 14
        part = framed(picture, rng)
        assert part.shape[0] >= 160 and part.shape[1] >= 180
    for size in ((1, 1), (3, 900)):
        tiny = np.full((*size, 3), 7, np.uint8)
        assert rewritten(framed(tiny, np.random.default_rng(0)), np.random.default_rng(0)).ndim == 3


def test_the_loss_falls_and_the_folder_is_a_filter(dataset, tmp_path):
    losses: list[float] = []
    run = training.Run(examples_of(dataset), settings(steps=40, batch=10), tmp_path / "out", "cpu")
    training.train(run, 100, lambda step, loss: losses.append(loss))
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:5])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["config.json", "model.safetensors"]
    recogniser = RecogniserFilter(str(tmp_path / "out"), "cpu")
    assert recogniser.config.names == ("blur", "compression", "noise")
    assert "recognised.severity.noise" in recogniser.score([crops(1)[0]])[0].scores


def test_a_stopped_run_goes_on_to_the_same_bytes_and_a_finished_one_is_left_alone(dataset, tmp_path):
    examples = examples_of(dataset)
    training.train(training.Run(examples, settings(), tmp_path / "whole", "cpu"), 2, quiet)

    def stop(step, loss):
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(training.Run(examples, settings(), tmp_path / "parts", "cpu"), 2, stop)
    assert [path.name for path in (tmp_path / "parts").iterdir()] == [training.STATE]
    again = training.Run(examples, settings(), tmp_path / "parts", "cpu")
    assert again.step == 3 and not again.finished
    training.train(again, 2, quiet)
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert training.Run(examples, settings(), tmp_path / "parts", "cpu").finished
    with pytest.raises(CheckpointError, match="is of another run"):
        training.Run(examples, settings(seed=1), tmp_path / "parts", "cpu")


@pytest.mark.slow
def test_a_killed_process_leaves_a_state_to_go_on_from(dataset, tmp_path):
    killed, root = tmp_path / "killed", Path(__file__).resolve().parents[2]
    options = ["--steps", "60", "--batch", "2", "--backbone", BACKBONE]
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", "recogniser", "train", str(dataset), "--out", str(killed), *options],
        cwd=root,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    while not (killed / training.STATE).exists():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "model.safetensors").exists()
    examples = examples_of(dataset)
    same = settings(steps=60, batch=2, tile=128, whole=160, learning_rate=2e-3)
    again, whole = (training.Run(examples, same, out, "cpu") for out in (killed, tmp_path / "whole"))
    assert (again.step, whole.step) == (50, 0)
    for run in (again, whole):
        training.train(run, 50, quiet)
    assert (killed / "model.safetensors").read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()


def test_a_recogniser_is_measured_on_what_was_held_out(dataset, tmp_path):
    model = write_recogniser(tmp_path / "model")
    result = command("evaluate", dataset, "--model", model)
    assert result.exit_code == 0, result.output
    assert "macro-F1" in result.output and "severity MAE" in result.output
    figures = json.loads((model / "metrics.json").read_text())
    assert figures["recogniser"] == RecogniserFilter(str(model), "cpu").version
    for part in ("stored", "rewritten"):
        assert np.sum(figures[part]["confusion"]) == 1 + 2 + 2 + 2  # one source: clean, two of each degradation
        assert figures[part]["classes"]["haze"]["f1"] is None


def test_figures_are_those_of_the_confusion():
    names = ("blur", "noise")
    truth = [{"blur": 0.5}, {"blur": 1.0}, {"noise": 0.4}, {}, {"blur": 0.6, "noise": 0.2}]
    answers = [(0.9, 0.1, 0.2), (0.2, 0.6, 0.1), (0.1, 0.7, 0.3), (0.2, 0.1, 0.9), (0.8, 0.4, 0.1)]
    examples = [Example(n, str(n), severities) for n, severities in enumerate(truth)]
    found = [
        Finding(
            {f"recognised.{name}": p for name, p in zip((*names, "clean"), answer, strict=True)}
            | {f"recognised.severity.{name}": 0.5 for name in names}
        )
        for answer in answers
    ]
    measured = _measured(examples, found, names)
    assert measured.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]  # the chain is in no row
    assert measured.f1 == pytest.approx([2 / 3, 2 / 3, 1.0]) and measured.macro_f1 == pytest.approx(7 / 9)
    assert measured.presence == pytest.approx({"blur": 4 / 5, "noise": 2 * 1 / (2 + 2)})
    assert measured.severity_error == pytest.approx({"blur": (0 + 0.5 + 0.1) / 3, "noise": (0.1 + 0.3) / 2})
    none = _measured(examples[3:4], found[3:4], names)
    assert none.macro_f1 == 1.0 and math.isnan(none.severity_error["blur"])
    assert json.loads(json.dumps(none.to_json(), allow_nan=False))["classes"]["noise"]["f1"] is None


def command(*arguments):
    return CliRunner().invoke(app, ["recogniser", *map(str, arguments)], env={"COLUMNS": "200"})


def test_pictures_are_named_on_the_command_line(tmp_path, photo_paths):
    model = write_recogniser(tmp_path / "model")
    result = command("name", photo_paths[0], "--model", model)
    assert result.exit_code == 0, result.output
    assert photo_paths[0].name in result.output.replace("\n", "")
    (tmp_path / "broken.jpg").write_text("no picture")
    result = command("name", tmp_path / "broken.jpg", photo_paths[0], "--model", model)
    assert result.exit_code == 1 and "cannot be read" in result.output and "Traceback" not in result.output
    assert "is not there" in command("name", tmp_path / "nowhere.jpg", "--model", model).output


def test_mistakes_are_told_plainly(dataset, tmp_path):
    with pytest.raises(RecipeError, match=r"--backbone: timm .* has no model 'resnet9999'"):
        training.Run(examples_of(dataset), settings(backbone="resnet9999"), tmp_path, "cpu")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / training.STATE).write_text("none")
    with pytest.raises(CheckpointError, match="is no safetensors file"):
        training.Run(examples_of(dataset), settings(), tmp_path / "broken", "cpu")
    pair = MadePair("key", "realesrgan", "mixed", "train", crops(1)[0], crops(1)[0])
    other = write_dataset(tmp_path / "other", [pair])
    with pytest.raises(DatasetError, match="no training sample of a known degradation"):
        training.Run(examples_of(other), settings(), tmp_path / "out", "cpu")
    model = write_recogniser(tmp_path / "model", names=("haze",))
    result = command("evaluate", dataset, "--model", model)
    assert result.exit_code == 1 and "which this recogniser was never taught" in result.output.replace("\n", " ")
    result = command("evaluate", other, "--model", model)
    assert result.exit_code == 1 and "no sample of split 'heldout'" in result.output.replace("\n", " ")


def test_a_dry_run_writes_nothing(dataset, tmp_path):
    result = command("train", dataset, "--out", tmp_path / "out", "--dry-run", "--backbone", BACKBONE)
    assert result.exit_code == 0 and "6 blur" in result.output and "step 0 of" in result.output
    assert not (tmp_path / "out").exists()
