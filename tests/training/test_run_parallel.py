"""How a run is spread over passes, processes and interruptions does not show in its curve."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml

from schemas.recipe import Recipe
from tests.training.conftest import made_pairs, small_training
from tests.training.processes import together
from tests.training.runs import (
    STAGE,
    cut,
    cut_among,
    losses,
    reached,
    run,
    run_among,
    same_bits,
    stage,
    steps,
    weights,
)
from tests.training.shards import spoil, write_dataset
from training.observing.log import read_rows

#: Of the loss: sums are taken in another order.
TOLERANCE = 1e-5
FORMS = {
    "noise": {"form": "noise"},
    "noise_free": {"form": "noise_free", "start_share": 0.5},
}


def recipe(form, microbatch=0, **changes):
    """Two stages of three steps, the second from the best average of the first with frozen blocks."""
    each = {**STAGE, "steps": 3, "microbatch": microbatch}
    second = {"weights": {"synthetic": 2, "real": 8}, "schedule": "cosine", "frozen_single_blocks": 0.25}
    return {
        "objective": FORMS[form],
        "stages": {"transfer": each, "finetune": {**each, **second}},
        "validation": {"every": 3, "samples": 1, "steps": 1},
        "checkpoints": {"newest": 20, "background": True},
        **changes,
    }


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def alone(sets, tmp_path_factory):
    """Of each form, a run of one process that takes its batch at once."""
    root = tmp_path_factory.mktemp("alone")
    for form in FORMS:
        run(root / form, sets, **recipe(form, checkpoints={"every": 1, "newest": 20}))
    return {form: root / form for form in FORMS}


SOME_DAMAGED = stage(steps=3, batch_size=6) | {"validation": {"every": 3, "samples": 1, "steps": 1}}


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """A set four of whose nine pairs cannot be read, one of them by its clean image; and a run on it."""
    root = tmp_path_factory.mktemp("damaged")
    folder = write_dataset(root / "synthetic", made_pairs(0, "train", 3) + made_pairs(0, "validation", 1))
    for key, member in {"noise000": "lq", "noise002": "gt", "blur001": "lq", "haze002": "lq"}.items():
        spoil(folder, f"train0{key}", member)
    run(root / "run", {"synthetic": [folder]}, **SOME_DAMAGED)
    return folder, root / "run"


@pytest.fixture(scope="module")
def two(alone, damaged, sets, tmp_path_factory):
    """Runs of two processes, by name."""
    root = tmp_path_factory.mktemp("two")
    whole_and_parts = {
        f"{form}, {passes}": recipe(form, microbatch)
        for form in FORMS
        for passes, microbatch in {"whole": 0, "parts": 1}.items()
    }
    cut(alone["noise_free"], 3, root / "copies from one")
    copies = recipe("noise_free", 1, parallel={"shard": "hybrid", "shard_size": 1})
    together(
        2,
        *((run_among, (root / name, sets, changes)) for name, changes in whole_and_parts.items()),
        (run_among, (root / "copies from one", sets, copies, True)),
        (cut_among, (root / "noise_free, parts", 3, root / "from two")),
        (run_among, (root / "from two", sets, recipe("noise_free", 1), True)),
        (run_among, (root / "damaged", {"synthetic": [damaged[0]]}, SOME_DAMAGED)),
    )
    return root


def same_curve(out, expected):
    np.testing.assert_allclose(losses(out), losses(expected), rtol=TOLERANCE)
    for name, tensor in weights(expected).items():
        torch.testing.assert_close(weights(out)[name], tensor, rtol=0, atol=5e-4)


@pytest.mark.parametrize("form", FORMS)
def test_accumulated_passes_give_the_curve_of_one_pass(form, alone, sets, tmp_path):
    run(tmp_path / "run", sets, **recipe(form, microbatch=1))
    same_curve(tmp_path / "run", alone[form])


@pytest.mark.slow
@pytest.mark.parametrize("passes", ["whole", "parts"])
@pytest.mark.parametrize("form", FORMS)
def test_two_processes_give_the_curve_of_one(form, passes, two, alone):
    same_curve(two / f"{form}, {passes}", alone[form])


@pytest.mark.parametrize("step", range(6))
def test_resumed_at_any_step_it_ends_with_the_same_bits(step, alone, sets, tmp_path):
    out = cut(alone["noise_free"], step, tmp_path / "run")
    run(out, sets, resume=True, **recipe("noise_free"))
    assert same_bits(out, alone["noise_free"])


@pytest.mark.slow
def test_resumed_on_other_numbers_of_processes_the_curve_goes_on(two, alone, sets, tmp_path):
    """From one to two, where each has a copy of all weights; and from two shards to one."""
    same_curve(two / "copies from one", alone["noise_free"])
    out = cut(two / "noise_free, whole", 3, tmp_path / "run")
    run(out, sets, resume=True, **recipe("noise_free"))
    same_curve(out, alone["noise_free"])


@pytest.mark.slow
def test_resumed_on_as_many_processes_it_ends_with_the_same_bits(two):
    assert read_rows(two / "from two") == read_rows(two / "noise_free, parts")
    mine, expected = weights(two / "from two"), weights(two / "noise_free, parts")
    assert all(torch.equal(mine[name], expected[name]) for name in expected)


def replaced(out):
    return [row["replaced"] for row in read_rows(out) if row["kind"] == "train"]


def test_samples_that_cannot_be_read_are_replaced_and_counted(damaged):
    out = damaged[1]
    assert sum(replaced(out)) == 8, "each pair is drawn twice, and four are damaged"
    assert np.isfinite(losses(out)).all()


@pytest.mark.slow
def test_two_processes_replace_the_same_samples_and_count_those_of_both(two, damaged):
    assert replaced(two / "damaged") == replaced(damaged[1])
    same_curve(two / "damaged", damaged[1])


@pytest.mark.slow
def test_ctrl_c_under_torchrun_ends_with_a_checkpoint_that_one_process_goes_on_from(sets, tmp_path):
    """The command itself, with the signal that a terminal or a scheduler gives to the launcher alone."""
    changes = stage(steps=50) | {"validation": {"every": 50, "samples": 1, "steps": 1}}
    run(tmp_path / "alone", sets, **changes)
    places = {name: [str(folder) for folder in folders] for name, folders in sets.items()}
    recipe = Recipe(seed=3, training=small_training(**changes, datasets=places))
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))
    out = tmp_path / "run"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    train = ["-m", "jobs.cli", "train", str(tmp_path / "recipe.yaml"), "--out", str(out)]
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(
            [*launcher, *train], stdout=said, stderr=said, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        reached(out, 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) != 0
    last = steps(out)[-1]
    assert 3 <= last == read_rows(out)[-1]["step"] < 50
    assert "run the same command with --resume" in (tmp_path / "said").read_text()
    run(out, sets, resume=True, **changes)
    np.testing.assert_allclose(losses(out), losses(tmp_path / "alone"), rtol=1e-3)
