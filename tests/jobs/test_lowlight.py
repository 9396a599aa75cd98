"""`tarnish lowlight train`: a network from pairs, stopped and killed runs, mistakes told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from typer.testing import CliRunner

from degradations.light import decode
from degradations.lowlight import Lowlight
from degradations.lowlight.learned import LearnedDark
from degradations.lowlight.network import layers
from degradations.rng import generator
from degradations.scene import Scene
from degradations.weights import sha256_of
from jobs.cli import app
from schemas.recipe.degradations import LowlightModes, LowlightSection
from tests.degradations.pictures import crops
from training import lowlight
from training.lowlight_pairs import PairPictures, find_pairs


@pytest.fixture(autouse=True)
def one_thread():
    """Small crops on several threads of a busy machine only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_pairs(folder, count=3, size=(40, 56)):
    """Pairs of which the dark one is a sixth of the bright one's codes."""
    for number in range(count):
        bright = cv2.resize(crops(3, 96, 96)[number], size[::-1], interpolation=cv2.INTER_AREA)
        for part, picture in (("high", bright), ("low", bright // 6)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / part / f"{number}.png"), picture[:, :, ::-1])
    return folder


def train(*arguments):
    return CliRunner().invoke(app, ["lowlight", "train", *map(str, arguments)], env={"COLUMNS": "200"})


SMALL = ("--batch", "2", "--crop", "24")


def test_a_network_is_trained_from_pairs_and_used_by_a_recipe(tmp_path):
    pairs, out = write_pairs(tmp_path / "pairs"), tmp_path / "network.safetensors"
    result = train(pairs, "--out", out, "--steps", "60", *SMALL, "--learning-rate", "0.005")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.safetensors", "pairs"]
    assert {name: tensor.shape for name, tensor in load_file(out).items()} == layers()
    image, dark = crops(3, 96, 96)[2], crops(3, 96, 96)[2] // 6
    stops = float(np.log2(decode(image).mean() / decode(dark).mean()))
    made = LearnedDark(stops=stops, network=str(out), sha256=sha256_of("field", str(out))).apply(image).astype(float)
    assert np.abs(made - dark).mean() < 0.2 * np.abs(image.astype(float) - dark).mean()
    modes = LowlightModes(raw=0, gamma=0, learned=1)
    params = Lowlight(LowlightSection(modes=modes, network=str(out))).draw(generator(0), Scene(96, 96), 0.5)
    assert params.model.sha256 == sha256_of("field", str(out))


@pytest.mark.parametrize("at", [1, 7])
def test_a_stopped_run_goes_on_to_the_same_bytes(tmp_path, at, monkeypatch):
    pairs = write_pairs(tmp_path / "pairs", 2)
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    assert train(pairs, "--out", whole, "--steps", "9", *SMALL).exit_code == 0
    advance = lowlight.Run.advance

    def stopping(run):
        if run.step == at - 1:
            signal.raise_signal(signal.SIGINT)
        return advance(run)

    with monkeypatch.context() as patch:
        patch.setattr(lowlight.Run, "advance", stopping)
        result = train(pairs, "--out", parts, "--steps", "9", *SMALL)
    assert result.exit_code == 130 and "run the same command again" in result.output
    assert not parts.exists() and parts.with_name("parts.safetensors.partial").exists()
    result = train(pairs, "--out", parts, "--steps", "9", *SMALL)
    assert result.exit_code == 0 and f"step {at} of 9" in result.output
    assert parts.read_bytes() == whole.read_bytes()
    assert train(pairs, "--out", parts, "--steps", "9", *SMALL).exit_code == 0


def test_a_killed_run_goes_on_from_its_last_saved_state(tmp_path):
    pictures = PairPictures(find_pairs(write_pairs(tmp_path / "pairs", 2)))
    chosen = lowlight.Settings(steps=8, batch=2, crop=24, learning_rate=1e-3, seed=0)
    whole = lowlight.Run(pictures, chosen, tmp_path / "whole.safetensors", "cpu")
    lowlight.train(whole, 3, lambda step, loss: None)
    killed = lowlight.Run(pictures, chosen, tmp_path / "killed.safetensors", "cpu")
    for _ in range(5):  # saved after 3 steps, the others are lost
        killed.advance()
        if killed.step == 3:
            killed.save()
    again = lowlight.Run(pictures, chosen, tmp_path / "killed.safetensors", "cpu")
    assert again.step == 3
    lowlight.train(again, 3, lambda step, loss: None)
    assert (tmp_path / "killed.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


def test_a_dry_run_checks_the_pairs_and_writes_nothing(tmp_path):
    pairs = write_pairs(tmp_path / "pairs", 2)
    result = train(pairs, "--out", tmp_path / "n.safetensors", "--dry-run")
    assert result.exit_code == 0 and "2 pairs" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["pairs"]


def test_mistakes_in_pairs_are_told_plainly(tmp_path):
    def told(*arguments):
        result = train(*arguments)
        assert result.exit_code == 1 and "Traceback" not in result.output
        return result.output.replace("\n", " ")

    out = ("--out", tmp_path / "n.safetensors")
    assert "--crop: 25 is no multiple of 4" in told(tmp_path, *out, "--crop", "25")
    assert "is no folder; pairs are files of equal name" in told(tmp_path / "nowhere", *out)
    pairs = write_pairs(tmp_path / "pairs")
    assert "make it or name another file" in told(pairs, "--out", tmp_path / "no" / "n.safetensors")
    (pairs / "low" / "2.png").rename(pairs / "low" / "3.png")
    assert "'2.png' (and 1 more) has no partner in low/" in told(pairs, *out)
    cv2.imwrite(str(pairs / "low" / "2.png"), np.full((30, 30, 3), 5, np.uint8))
    (pairs / "low" / "3.png").unlink()
    assert "2.png: high/ and low/ are 56×40 and 30×30; make them one size" in told(pairs, *out)
    (pairs / "low" / "2.png").write_text("no picture")
    assert "cannot be decoded" in told(pairs, *out)
    for name in ("low/2.png", "high/2.png"):
        (pairs / name).unlink()
    assert train(pairs, *out, "--steps", "1", *SMALL).exit_code == 0
    assert "is of another run" in told(pairs, *out, "--steps", "2", *SMALL)


def test_pictures_beyond_the_memory_kept_for_them_are_read_from_disk(tmp_path):
    found = find_pairs(write_pairs(tmp_path / "pairs"))
    all_kept, one_kept = PairPictures(found), PairPictures(found, kept=2 * 40 * 56 * 3)
    assert len(one_kept) == 3 and one_kept.digest == all_kept.digest and one_kept.stops == all_kept.stops
    for number in range(3):
        for first, second in zip(all_kept[number], one_kept[number], strict=True):
            np.testing.assert_array_equal(first, second)
    assert [one_kept[number] is one_kept[number] for number in range(3)] == [True, False, False]


@pytest.mark.slow
def test_a_process_killed_while_it_trains_leaves_a_state_to_go_on_from(tmp_path):
    pairs = write_pairs(tmp_path / "pairs", 2)

    def start(out):
        command = [sys.executable, "-m", "jobs.cli", "lowlight", "train", pairs, "--out", out, "--steps", "500"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        root = Path(__file__).resolve().parents[2]
        return subprocess.Popen([*map(str, command), *SMALL], cwd=root, env=environment, stdout=subprocess.PIPE)

    whole, killed = tmp_path / "whole.safetensors", tmp_path / "killed.safetensors"
    first = start(killed)
    while not killed.with_name("killed.safetensors.partial").exists():
        assert first.poll() is None
        time.sleep(0.002)
    first.kill()
    first.communicate()
    assert not killed.exists()
    told, _ = start(killed).communicate()
    assert re.search(rb"step [1-4]00 of 500", told)
    start(whole).communicate()
    assert killed.read_bytes() == whole.read_bytes()
