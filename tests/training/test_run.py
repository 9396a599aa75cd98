"""A run: two stages, exact resume after SIGKILL, two FSDP2 processes, frozen weights, clear refusals."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from schemas.errors import CheckpointError, DivergedError, RecipeError
from tests.training.conftest import small_training
from training.editors import load_editor
from training.restore import restore_image
from training.run import train
from training.selection import Selection

QUIET = Console(quiet=True)


def weights(out):
    return load_file(out / "editor" / "editor.safetensors")


def saved(folder):
    """All tensors of a checkpoint of one process."""
    tensors = {
        name: tensor for file in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(file).items()
    }
    same = json.loads((folder / "contents.json").read_text())["same"]
    return tensors | {name: tensors[first] for name, first in same.items()}


def last_checkpoint(out):
    return saved(sorted((out / "checkpoints").glob("step-????????"))[-1])


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def undisturbed(sets, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "undisturbed"
    return out, train(small_training(), 3, sets, out, console=QUIET)


def command(out, sets, *launcher):
    pairs = [f"{name}={folders[0]}" for name, folders in sets.items()]
    return [sys.executable, *launcher, "-m", "tests.training.run_small", str(out), *pairs]


def test_both_stages_run_and_are_logged(undisturbed):
    out, result = undisturbed
    steps = [row["step"] for row in result.history if row["kind"] == "train"]
    assert steps == list(range(1, 13))
    assert {row["stage"] for row in result.history} == {"transfer", "finetune"}
    scores = {(row["stage"], row["step"]): row["score"] for row in result.history if row["kind"] == "validation"}
    assert result.score == max(scores.values())
    assert list(out.rglob("events.out.tfevents*"))


def test_the_first_quarter_of_the_single_blocks_is_frozen_in_the_second_stage(sets, tmp_path):
    training = small_training()
    out = tmp_path / "run"
    train(training, 3, sets, out, console=QUIET)
    newest = last_checkpoint(out)
    state = json.loads((out / "checkpoints" / "step-00000012" / "state.json").read_text())
    begun = saved(out / "checkpoints" / f"step-{Selection.read(state['selection']).best('transfer'):08d}")
    frozen = [name for name in newest if name.startswith("model.") and "single_transformer_blocks.0." in name]
    moving = [name for name in newest if name.startswith("model.") and "single_transformer_blocks.1." in name]
    assert frozen and moving
    for name in frozen:
        assert torch.equal(newest[name], begun[name.replace("model.", "average.", 1)])
    assert any(not torch.equal(newest[name], begun[name.replace("model.", "average.", 1)]) for name in moving)


@pytest.mark.slow
def test_killed_anywhere_and_resumed_ends_with_the_same_bits(undisturbed, sets, tmp_path):
    expected, _ = undisturbed
    out = tmp_path / "killed"
    log = out / "metrics.jsonl"
    for moment in (2, 8):  # inside the first stage, and past the stage boundary
        process = subprocess.Popen(command(out, sets), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            if log.exists() and any(f'"step": {step},' in log.read_text() for step in range(moment, 13)):
                break
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (out / "editor").exists(), "the run ended before it could be killed"
    subprocess.run(command(out, sets), check=True, timeout=240)
    assert equal(weights(out), weights(expected))
    assert equal(last_checkpoint(out), last_checkpoint(expected))
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert rows == [json.loads(line) for line in (expected / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_fsdp2_processes_train_save_and_resume(undisturbed, sets, tmp_path):
    """The loss curve is that of one process within 1e-3 of its value: sums are taken in another order."""
    expected, _ = undisturbed
    out = tmp_path / "two"
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone")
    subprocess.run(command(out, sets, *launcher), check=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"})
    curves = []
    for folder in (expected, out):
        rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        curves.append([row["loss"] for row in rows if row["kind"] == "train"])
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-3)
    # Without its last checkpoints the run goes on from the middle, here in one process: another world size.
    for checkpoint in sorted((out / "checkpoints").glob("step-*"))[-1:]:
        checkpoint.rename(tmp_path / checkpoint.name)
    before = weights(out)
    subprocess.run(command(out, sets), check=True, timeout=240)
    for name, tensor in weights(out).items():
        torch.testing.assert_close(tensor, before[name], rtol=1e-2, atol=1e-3)


def test_a_changed_recipe_is_refused_with_the_field(undisturbed, sets):
    out, _ = undisturbed
    with pytest.raises(CheckpointError, match=r"training\.crop: 16 there, 24 here"):
        train(small_training(crop=24), 3, sets, out, resume=True, console=QUIET)
    with pytest.raises(CheckpointError, match="holds a training run; resume it or name another folder"):
        train(small_training(), 3, sets, out, console=QUIET)


def test_a_set_that_no_dataset_gives_is_refused(sets, tmp_path):
    with pytest.raises(RecipeError, match="weights name real"):
        train(small_training(), 3, {"synthetic": sets["synthetic"]}, tmp_path / "run", console=QUIET)


def test_a_loss_that_is_not_finite_stops_before_the_optimizer(sets, tmp_path):
    stage = {"steps": 6, "batch_size": 4, "learning_rate": 1e30, "warmup_steps": 0}
    with pytest.raises(DivergedError, match="no weight was changed"):
        train(small_training(stages={"transfer": stage}), 3, sets, tmp_path / "run", console=QUIET)


def test_the_exported_editor_restores_any_size(undisturbed):
    out, _ = undisturbed
    editor = load_editor(out / "editor")
    for height, width in ((1, 1), (7, 50), (33, 20)):
        image = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
        restored = restore_image(editor, image, "Please dehaze the image.")
        assert restored.shape == image.shape and restored.dtype == np.uint8
        assert np.array_equal(restored, restore_image(editor, image, "Please dehaze the image."))


def test_an_untrained_editor_changes_nothing(sets, tmp_path):
    stage = {"steps": 1, "batch_size": 4, "learning_rate": 1e-30, "warmup_steps": 0}
    result = train(small_training(stages={"transfer": stage}), 3, sets, tmp_path / "run", console=QUIET)
    image = np.random.default_rng(0).integers(0, 256, (20, 40, 3), dtype=np.uint8)
    assert np.array_equal(restore_image(load_editor(result.editor), image, "Please dehaze the image."), image)


def test_a_checkpoint_of_another_architecture_is_refused(undisturbed, sets, tmp_path):
    import shutil

    copy = tmp_path / "editor"
    shutil.copytree(undisturbed[0] / "editor", copy)
    config = json.loads((copy / "config.json").read_text())
    config["editor"]["features"] = 16
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="of another architecture"):
        load_editor(copy)
    with pytest.raises(CheckpointError, match="name the folder of an exported editor"):
        load_editor(tmp_path)
