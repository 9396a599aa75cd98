"""A run: two stages, exact resume after SIGKILL, frozen weights, clear refusals."""

import json
import multiprocessing
import shutil

import numpy as np
import pytest
import torch

from schemas.errors import CheckpointError, DivergedError, RecipeError
from tests.training.runs import checkpoint, reached, run, run_among, same_bits
from training.editors import load_editor
from training.restore import restore_image
from training.selection import Selection


@pytest.fixture(scope="module")
def undisturbed(sets, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "undisturbed"
    return out, run(out, sets)


def test_both_stages_run_and_are_logged(undisturbed):
    out, result = undisturbed
    steps = [row["step"] for row in result.history if row["kind"] == "train"]
    assert steps == list(range(1, 13))
    assert {row["stage"] for row in result.history} == {"transfer", "finetune"}
    scores = {(row["stage"], row["step"]): row["score"] for row in result.history if row["kind"] == "validation"}
    assert result.score == max(scores.values())
    assert list(out.rglob("events.out.tfevents*"))


def test_the_first_quarter_of_the_single_blocks_is_frozen_in_the_second_stage(undisturbed):
    out, _ = undisturbed
    newest = checkpoint(out)
    state = json.loads((out / "checkpoints" / "step-00000012" / "state.json").read_text())
    begun = checkpoint(out, Selection.read(state["selection"]).best("transfer"))
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
    for moment in (2, 8):  # inside the first stage, and past the stage boundary
        process = multiprocessing.get_context("forkserver").Process(target=run_among, args=(out, sets, {}, True))
        process.start()
        reached(out, moment)
        process.kill()
        process.join()
    assert not (out / "editor").exists(), "the run ended before it could be killed"
    run(out, sets, resume=True)
    assert same_bits(out, expected)


def test_a_changed_recipe_is_refused_with_the_field(undisturbed, sets):
    out, _ = undisturbed
    with pytest.raises(CheckpointError, match=r"training\.crop: 16 there, 24 here"):
        run(out, sets, resume=True, crop=24)
    with pytest.raises(CheckpointError, match="holds a training run; resume it or name another folder"):
        run(out, sets)


def test_a_set_that_no_dataset_gives_is_refused(sets, tmp_path):
    with pytest.raises(RecipeError, match="weights name real"):
        run(tmp_path / "run", {"synthetic": sets["synthetic"]})


def test_a_loss_that_is_not_finite_stops_before_the_optimizer(sets, tmp_path):
    stage = {"steps": 6, "batch_size": 4, "learning_rate": 1e30, "warmup_steps": 0}
    with pytest.raises(DivergedError, match="no weight was changed"):
        run(tmp_path / "run", sets, stages={"transfer": stage})


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
    result = run(tmp_path / "run", sets, stages={"transfer": stage})
    image = np.random.default_rng(0).integers(0, 256, (20, 40, 3), dtype=np.uint8)
    assert np.array_equal(restore_image(load_editor(result.editor), image, "Please dehaze the image."), image)


def test_a_checkpoint_of_another_architecture_is_refused(undisturbed, sets, tmp_path):
    copy = tmp_path / "editor"
    shutil.copytree(undisturbed[0] / "editor", copy)
    config = json.loads((copy / "config.json").read_text())
    config["editor"]["features"] = 16
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="of another architecture"):
        load_editor(copy)
    with pytest.raises(CheckpointError, match="name the folder of an exported editor"):
        load_editor(tmp_path)
