"""Checkpoints: whole or not there, on any number of processes, written beside training, kept and found damaged."""

import json
import multiprocessing
import os
import random
import signal
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from schemas.errors import CheckpointError
from schemas.recipe.training import ParallelSection
from tests.training import checkpoint_cases
from tests.training.processes import together
from training.checkpoints import Checkpoints, checkpoint_rows, load_tensors
from training.parallel import World

ALONE = World(0, 1, torch.device("cpu"), None)


#: How the processes that save share the work: their number, and what of it are copies of one another.
SAVERS = {
    "one": (1, ParallelSection()),
    "two": (2, ParallelSection()),
    "four": (4, ParallelSection()),
    "two in two copies": (4, ParallelSection(shard="hybrid", shard_size=2)),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """saved: by savers, the folder of a checkpoint and what it was made of. loaded: by number of processes, what each
    of them made of each folder. failed: see `checkpoint_cases.fail_on_one`.
    """
    folders = {name: tmp_path_factory.mktemp("saved") for name in SAVERS}
    saved = {}
    for size in (4, 2, 1):
        names = [name for name, (savers, _) in SAVERS.items() if savers == size]
        made = together(size, *[(checkpoint_cases.save, (folders[name], SAVERS[name][1])) for name in names])
        saved |= {name: (folders[name], results[0]) for name, results in zip(names, made, strict=True)}
    saved = {name: saved[name] for name in SAVERS}
    load = (checkpoint_cases.load, (list(folders.values()),))
    loaded = {1: together(1, load)[0], 2: together(2, load)[0]}
    loaded[3], failed = together(3, load, (checkpoint_cases.fail_on_one, (tmp_path_factory.mktemp("failing"),)))
    return saved, loaded, failed


def tensors():
    return {
        "model.a": torch.arange(12.0).reshape(4, 3),
        "model.b": torch.arange(5).bfloat16(),
        "step": torch.tensor(7.0),
    }


def blank():
    return {name: torch.zeros_like(tensor) for name, tensor in tensors().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_any_number_of_processes_loads_what_any_number_saved(runs, size):
    saved, loaded, _ = runs
    assert len(loaded[size]) == size
    for of_one in loaded[size]:
        for found, (_, wanted) in zip(of_one, saved.values(), strict=True):
            assert found.keys() == wanted.keys()
            assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def test_every_number_is_written_once_by_the_process_that_holds_it(runs):
    for savers, (folder, wanted) in runs[0].items():
        contents = json.loads((folder / "step-00000003" / "contents.json").read_text())
        assert len(contents["files"]) == SAVERS[savers][0]
        assert contents["same"] == {"model.frozen": "average.frozen"}
        pieces = [load_file(folder / "step-00000003" / name) for name in contents["files"]]
        written = sum(tensor.numel() for piece in pieces for tensor in piece.values())
        assert written == sum(array.size for name, array in wanted.items() if name not in contents["same"])
        assert not any(name.startswith("optimizer.frozen") for name in wanted)


def test_rows_are_read_across_the_files_of_all_processes(runs):
    for folder, wanted in runs[0].values():
        rows = checkpoint_rows(folder / "step-00000003", "average.")
        assert rows.keys() == {"frozen", "rows", "one", "bias"}
        assert np.array_equal(rows["rows"](1, 4).numpy(), wanted["average.rows"][1:4])
        assert np.array_equal(rows["bias"](0, 7).numpy(), wanted["average.bias"])
        assert np.array_equal(rows["frozen"](5, 6).numpy(), wanted["model.frozen"][5:6])
        assert rows["rows"](5, 5).shape == (0, 3)
        steps = checkpoint_rows(folder / "step-00000003", "optimizer.rows.")
        assert steps["step"](0, 1).item() == 3.0


@pytest.mark.parametrize("background", [False, True])
def test_state_and_tensors_come_back(tmp_path, background):
    checkpoints = Checkpoints(tmp_path, ALONE, background)
    mine = tensors()
    checkpoints.save(5, mine, {"stage": "finetune", "data": {"next": 40}})
    checkpoints.copied()
    mine["model.a"].zero_()
    assert checkpoints.steps() == [5]
    assert checkpoints.state(5) == {"stage": "finetune", "data": {"next": 40}}
    into = blank()
    checkpoints.load(5, into)
    assert same(into, tensors())
    with pytest.raises(CheckpointError, match="a step is saved once"):
        checkpoints.save(5, mine, {})


def test_the_next_optimizer_step_waits_for_the_copy(tmp_path):
    checkpoints = Checkpoints(tmp_path, ALONE, background=True)
    weight = torch.nn.Parameter(torch.zeros(8 << 20))
    sgd = torch.optim.SGD([weight], lr=1.0)
    weight.grad = torch.ones_like(weight)
    for step in range(3):
        checkpoints.save(step, {"weight": weight.detach()}, {})
        sgd.step()
    checkpoints.finish()
    for step in range(3):
        saved = checkpoint_rows(checkpoints.path(step), "")["weight"](0, len(weight))
        assert torch.equal(saved, torch.full_like(saved, -step))


def test_the_copy_is_right_when_tensors_are_replaced_between_saves(tmp_path):
    checkpoints = Checkpoints(tmp_path, ALONE, background=True)
    for step in range(4):
        checkpoints.save(step, {"a": torch.full((3,), float(step))}, {})
    checkpoints.finish()
    for step in range(4):
        assert checkpoint_rows(checkpoints.path(step), "")["a"](0, 3).tolist() == [step] * 3


@pytest.mark.parametrize("background", [False, True])
def test_only_what_is_named_is_kept(tmp_path, background):
    checkpoints = Checkpoints(tmp_path, ALONE, background)
    for step in range(1, 6):
        checkpoints.save(step, tensors(), {})
        checkpoints.keep([2, *checkpoints.steps()[-2:]])
    checkpoints.finish()
    assert checkpoints.steps() == [2, 4, 5]
    assert len(list(tmp_path.iterdir())) == 3


def test_every_process_learns_that_one_could_not_write_and_nothing_is_removed_for_it(runs):
    _, _, failed = runs
    for error, there in failed:
        assert "step-00000002: could not be written (process 2: " in error and "make room" in error
        assert there == ["step-00000001"]


@pytest.mark.parametrize("background", [False, True])
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, background):
    checkpoints = Checkpoints(tmp_path / "run", ALONE, background)
    (tmp_path / "run" / "step-00000001.making").write_text("in the way")
    with pytest.raises(CheckpointError, match="could not be written"):
        checkpoints.save(1, tensors(), {})
        checkpoints.finish()
    checkpoints.save(2, tensors(), {})
    checkpoints.finish()
    assert checkpoints.steps() == [2]


def test_killed_while_saving_the_last_whole_checkpoint_is_found(tmp_path):
    """SIGKILL at several moments: what is left is whole, the rest is cleared away, and the run goes on from it."""
    moments, reached = random.Random(5), 0
    for _ in range(4):
        process = multiprocessing.get_context("forkserver").Process(target=checkpoint_cases.endless, args=(tmp_path,))
        process.start()
        while process.is_alive() and newest(tmp_path) <= reached:
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, 0.1))
        assert process.is_alive()
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        checkpoints = Checkpoints(tmp_path, ALONE, background=False)
        assert not list(tmp_path.glob("*.making"))
        assert newest(tmp_path) > reached
        reached = newest(tmp_path)
        for step in checkpoints.steps():
            wanted = checkpoint_cases.filled(step)
            tensor = torch.empty_like(wanted)
            checkpoints.load(step, {"tensor": tensor})
            assert checkpoints.state(step) == {"step": step}
            assert torch.equal(tensor, wanted)


def newest(folder):
    return max((int(path.name.removeprefix("step-")) for path in folder.glob("step-????????")), default=0)


@pytest.fixture
def checkpoint(tmp_path):
    checkpoints = Checkpoints(tmp_path, ALONE, background=False)
    checkpoints.save(1, tensors(), {"stage": "transfer"})
    return checkpoints


def damage(file, how):
    content = file.read_bytes()
    if how == "cut":
        file.write_bytes(content[:-1])
    elif how == "header":
        file.write_bytes(b"\xff" * 64 + content[64:])
    else:
        file.unlink()


@pytest.mark.parametrize("how", ["cut", "header", "lost"])
def test_a_damaged_file_is_named_with_the_remedy(checkpoint, how):
    damage(checkpoint.path(1) / "shard-00001.safetensors", how)
    with pytest.raises(
        CheckpointError, match=r"shard-00001\.safetensors is damaged .* delete the folder step-00000001"
    ):
        checkpoint.load(1, blank())
    with pytest.raises(CheckpointError, match=r"shard-00001\.safetensors is damaged"):
        checkpoint_rows(checkpoint.path(1), "model.")


def test_a_damaged_state_is_named_with_the_remedy(checkpoint):
    damage(checkpoint.path(1) / "state.json", "cut")
    with pytest.raises(CheckpointError, match=r"state\.json is damaged .* delete the folder step-00000001"):
        checkpoint.state(1)


def test_a_checkpoint_that_is_not_there_is_an_error(checkpoint):
    with pytest.raises(CheckpointError, match=r"step-00000007: is not there"):
        checkpoint.load(7, blank())


def test_another_architecture_is_refused_with_names_and_shapes(checkpoint):
    other = blank() | {"model.b": torch.zeros(6), "model.c": torch.zeros(2)}
    with pytest.raises(
        CheckpointError, match=r"(?s)another architecture.*model\.c: missing.*model\.b: \(5,\) there, \(6,"
    ):
        load_tensors(checkpoint.path(1), other, ALONE)
    assert not other["model.a"].any(), "nothing is loaded when something is wrong"
