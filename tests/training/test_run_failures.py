"""What goes wrong with a run: it is stopped, killed, damaged, or given what it cannot use."""

import multiprocessing
import shutil
import signal

import pytest
import torch
import yaml
from typer.testing import CliRunner

from jobs.cli import app
from schemas.errors import CheckpointError, DatasetError, DivergedError, RecipeError
from schemas.recipe import Recipe
from tests.training.conftest import made_pairs, small_training
from tests.training.runs import (
    STAGE,
    cut,
    die_while_saving,
    run,
    same_bits,
    stage,
    steps,
)
from tests.training.shards import write_dataset
from training.data.pairs import PairSet, PixelCache
from training.observing.log import RunLog, read_rows
from training.parallel import joined
from training.run import open_sets
from training.step import StageAtWork

#: Checkpoints are written beside training, and all are kept.
KEPT = {"checkpoints": {"newest": 20, "background": True}}
AT_ONCE = {"checkpoints": {"newest": 20, "background": False}}


@pytest.fixture(scope="module")
def undisturbed(sets, tmp_path_factory):
    """Both stages, validated at steps 0, 3, 6, 9 and 12."""
    out = tmp_path_factory.mktemp("run") / "undisturbed"
    run(out, sets, **KEPT)
    return out


@pytest.fixture
def signalled(monkeypatch):
    """Makes the run send itself signals when a step of the run is done."""

    def at(step, *numbers):
        done, advance = [], RunLog.advance

        def counted(log, name, loss):
            advance(log, name, loss)
            done.append(name)
            if len(done) == step:
                for number in numbers:
                    signal.raise_signal(number)

        monkeypatch.setattr(RunLog, "advance", counted)

    return at


def written(folder, recipe):
    file = folder / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe, sort_keys=False))
    return file


def recipe_file(folder, sets, **changes):
    places = {name: [str(place) for place in places] for name, places in sets.items()}
    return written(folder, Recipe(seed=3, training=small_training(datasets=places, **changes)).model_dump(mode="json"))


def command(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.mark.parametrize(("number", "step"), [(signal.SIGINT, 4), (signal.SIGTERM, 8), (signal.SIGTERM, 6)])
def test_a_signal_ends_it_after_the_step_in_hand_and_resumed_it_has_the_same_bits(
    number, step, undisturbed, sets, signalled, monkeypatch, tmp_path
):
    """Between validations of the first and of the second stage, and at the end of the first."""
    before = signal.getsignal(number)
    signalled(step, number)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", sets, **KEPT)
    monkeypatch.undo()
    assert steps(tmp_path / "run")[-1] == step == read_rows(tmp_path / "run")[-1]["step"]
    assert signal.getsignal(number) is before
    run(tmp_path / "run", sets, resume=True, **KEPT)
    assert same_bits(tmp_path / "run", undisturbed)


def test_the_command_says_how_to_go_on_and_goes_on(undisturbed, sets, signalled, monkeypatch, tmp_path):
    arguments = [recipe_file(tmp_path, sets, **KEPT), "--out", tmp_path / "run"]
    signalled(2, signal.SIGINT)
    stopped = command(*arguments)
    monkeypatch.undo()
    assert stopped.exit_code == 130
    assert f"stopped run the same command with --resume to go on in {tmp_path / 'run'}" in unbroken(stopped.output)
    again = command(*arguments)
    assert again.exit_code == 1 and "holds a training run; resume it or name another folder" in unbroken(again.output)
    ended = command(*arguments, "--resume")
    assert ended.exit_code == 0 and "best: stage " in ended.output
    assert same_bits(tmp_path / "run", undisturbed)


def unbroken(output):
    return " ".join(output.split())


@pytest.mark.slow
def test_killed_while_a_checkpoint_is_written_it_goes_on_from_the_one_before(undisturbed, sets, tmp_path):
    out = tmp_path / "run"
    process = multiprocessing.get_context("forkserver").Process(target=die_while_saving, args=(out, sets, KEPT, 6))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert sorted(path.name for path in (out / "checkpoints").iterdir())[-2:] == [
        "step-00000003",
        "step-00000006.making",
    ]
    run(out, sets, resume=True, **KEPT)
    assert same_bits(out, undisturbed)
    assert not list((out / "checkpoints").glob("*.making"))


def test_a_damaged_newest_checkpoint_is_named_and_without_it_the_run_goes_on(undisturbed, sets, tmp_path):
    out = cut(undisturbed, 9, tmp_path / "run")
    newest = out / "checkpoints" / "step-00000009"
    (file,) = newest.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"safetensors is damaged .* delete the folder step-00000009"):
        run(out, sets, resume=True, **KEPT)
    shutil.rmtree(newest)
    run(out, sets, resume=True, **KEPT)
    assert same_bits(out, undisturbed)


def test_a_finished_run_can_be_resumed_and_stays_as_it_is(undisturbed, sets, tmp_path):
    out = cut(undisturbed, 12, tmp_path / "run")
    assert run(out, sets, resume=True, **KEPT).step == run(out, sets, resume=True, **KEPT).step
    assert same_bits(out, undisturbed)


def test_a_checkpoint_of_another_architecture_is_refused(undisturbed, sets, tmp_path):
    other = small_training().editor.model_copy(update={"features": 16}).model_dump()
    run(tmp_path / "other", sets, editor=other, **stage(steps=3))
    out = cut(undisturbed, 0, tmp_path / "run")
    shutil.copytree(tmp_path / "other" / "checkpoints" / "step-00000003", out / "checkpoints" / "step-00000003")
    with pytest.raises(CheckpointError, match=r"(?s)step-00000003 is of another architecture:.*there, .* here"):
        run(out, sets, resume=True, **KEPT)


def test_another_recipe_seed_or_data_is_refused_with_what_differs(undisturbed, sets, tmp_path):
    out = cut(undisturbed, 3, tmp_path / "run")
    longer = small_training().model_dump()["stages"]
    longer["finetune"]["steps"] = 7
    with pytest.raises(CheckpointError, match=r"training\.stages\.finetune\.steps: 6 there, 7 here$"):
        run(out, sets, resume=True, stages=longer)
    swapped = dict(reversed(small_training().model_dump()["stages"].items()))
    with pytest.raises(CheckpointError, match=r"order of stages, .*'transfer'.* there, .*'finetune'.* here$"):
        run(out, sets, resume=True, stages=swapped)
    with pytest.raises(CheckpointError, match="pairs of set real"):
        run(out, {**sets, "real": sets["synthetic"]}, resume=True)
    assert steps(out) == [0, 3]


def test_a_folder_that_cannot_hold_the_run_or_does_not_tell_whose_it_is_is_refused(undisturbed, sets, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"file: cannot be written \(File exists\); name another folder"):
        run(tmp_path / "file", sets, **stage())
    out = cut(undisturbed, 3, tmp_path / "run")
    for damage in (lambda file: file.write_text("{"), lambda file: file.unlink()):
        damage(out / "run.json")
        with pytest.raises(CheckpointError, match=r"run\.json: cannot be read .* so nobody knows what trains here"):
            run(out, sets, resume=True, **KEPT)
    with pytest.raises(CheckpointError, match="holds a training run"):
        run(out, sets, **KEPT)


def test_what_does_not_change_the_curve_may_change_on_resume(undisturbed, sets, tmp_path):
    out = cut(undisturbed, 3, tmp_path / "run")
    spread = {"data": {"readers": 2, "memory_mb": 0}, "parallel": {"recompute": "full"}}
    run(out, sets, resume=True, **spread, checkpoints={"newest": 1, "best": 2, "background": False})
    assert same_bits(out, undisturbed)
    rows = [row for row in read_rows(out) if row["kind"] == "validation"]
    best = {
        row["step"]
        for name in ("transfer", "finetune")
        for row in sorted((row for row in rows if row["stage"] == name), key=lambda row: -row["score"])[:2]
    }
    assert set(steps(out)) == best | {12}


def pairs(change=None, splits=("train", "validation")):
    made = [pair for split in splits for pair in made_pairs(7, split, 2)]
    return made if change is None else [change(pair) for pair in made]


def unknown_task(split):
    return lambda pair: pair._replace(task="sharpen") if (pair.split, pair.task) == (split, "haze") else pair


BAD_SETS = {
    "no shards": (None, {}, "no dataset here"),
    "nothing to train on": (pairs(splits=["validation"]), {}, "holds no sample of split 'train'"),
    "nothing to validate on": (pairs(splits=["train"]), {}, "holds no sample of split 'validation'"),
    "a task without prompts": (pairs(unknown_task("train")), {}, "unknown tasks: sharpen; known: blur"),
    "no task": (pairs(lambda pair: pair._replace(task="")), {}, "unknown tasks"),
    "a task without prompts in validation": (
        pairs(unknown_task("validation")),
        {},
        "validation sample validation7haze000 is of the unknown task 'sharpen'; known: blur",
    ),
    "validation pairs of unequal size": (
        pairs(lambda pair: pair._replace(clean=pair.clean[:-4]) if pair.split == "validation" else pair),
        {},
        "sample validation7blur000 has a degraded image .32, 40. and a clean one .28, 40.",
    ),
    "a later stage's task": (
        pairs(),
        {"stages": {"transfer": STAGE, "more": {**STAGE, "tasks": {"rain": 1}}}},
        "'synthetic' has no pair of rain; it has blur, haze, noise",
    ),
    "a later stage's curriculum": (
        pairs(),
        {"stages": {"transfer": STAGE, "more": {**STAGE, "curriculum": ["high_order"]}}},
        "no pair of curriculum high_order; it has none",
    ),
}


@pytest.mark.parametrize("case", BAD_SETS)
def test_sets_that_do_not_hold_what_the_stages_ask_are_refused_before_any_work(case, tmp_path):
    made, changes, told = BAD_SETS[case]
    folder = tmp_path / "synthetic" if made is None else write_dataset(tmp_path / "synthetic", made)
    with pytest.raises(DatasetError, match=told):
        run(tmp_path / "run", {"synthetic": [folder]}, **(changes or stage()))
    assert not (tmp_path / "run").exists()


BAD_RECIPES = {
    "a mesh that the processes do not fill": (
        {"parallel": {"shard": "hybrid", "shard_size": 3, "precision": "bf16"}},
        r"training\.parallel\.shard_size: 3 does not divide the 1 processes; set a divisor or shard: full",
    ),
    "an area that has no shape": (
        {"crop": 24, "data": {"fit": "bucket"}, **stage(microbatch=1)},
        r"training\.crop: no size of area 576.* or set data\.fit to square or crop",
    ),
}


@pytest.mark.parametrize("case", BAD_RECIPES)
def test_recipes_that_do_not_fit_are_refused_before_any_work(case, sets, tmp_path):
    changes, told = BAD_RECIPES[case]
    with pytest.raises(RecipeError, match=told):
        run(tmp_path / "run", sets, **{**stage(), **changes})
    assert not (tmp_path / "run").exists()


def test_shards_that_are_not_there_are_named_before_any_work(tmp_path):
    folder = write_dataset(tmp_path / "synthetic", pairs())
    (shard,) = (folder / "shards").glob("train-*.tar")
    shard.unlink()
    with pytest.raises(DatasetError, match=f"the index names shard '{shard.name}', which is not in shards/"):
        run(tmp_path / "run", {"synthetic": [folder]}, **stage())
    assert not (tmp_path / "run").exists()


def test_a_batch_that_the_processes_cannot_share_is_refused(sets):
    with pytest.raises(RecipeError, match="batch_size 4 is no multiple of the 3 processes; change it"):
        open_sets(small_training(**stage()), sets, 3)
    with pytest.raises(RecipeError, match="batch_size 4 is no multiple of the 2 processes times microbatch 4"):
        open_sets(small_training(**stage(microbatch=4)), sets, 2)


UNUSABLE = {
    "a cache that is a file": (
        {"data": {"fit": "square", "cache": __file__}},
        r"training\.data\.cache: .*test_run_failures\.py cannot be used .*name another folder",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_recipe_that_failed_can_be_mended_and_run_in_the_same_folder(case, sets, tmp_path):
    changes, told = UNUSABLE[case]
    with pytest.raises(RecipeError, match=told):
        run(tmp_path / "run", sets, **stage(steps=1), **changes)
    assert not steps(tmp_path / "run")
    assert run(tmp_path / "run", sets, **stage(steps=1)).editor.is_dir()


def test_the_command_and_its_dry_run_tell_mistakes_plainly(sets, tmp_path):
    recipe = recipe_file(tmp_path, sets, **stage())
    for arguments in ([], ["--dry-run"]):
        told = command(recipe, "training.stages.transfer.tasks={rain: 1}", "--out", tmp_path / "run", *arguments)
        assert told.exit_code == 1
        assert "error training set 'synthetic' has no pair of rain; it has blur, haze, noise" in unbroken(told.output)
    told = command(recipe, "training.stages.transfer.microbatch=3", "--out", tmp_path / "run")
    assert told.exit_code == 1
    assert "training.stages.transfer: microbatch: 3 does not divide batch_size 4" in unbroken(told.output)
    assert not (tmp_path / "run").exists()


def work_of(training, sets):
    opened = {name: PairSet.open(name, places, "train", PixelCache(0)) for name, places in sets.items()}
    with joined(training.parallel) as world:
        return StageAtWork(training, 3, "transfer", opened, world)


def test_a_rate_that_diverges_stops_before_the_optimizer_and_names_step_and_samples(sets, tmp_path):
    fast = stage(learning_rate=1e10, warmup_steps=0, clip=1e30)
    with pytest.raises(DivergedError) as told:
        run(tmp_path / "run", sets, **fast)
    message = str(told.value)
    assert message.startswith("stage 'transfer', step 1: the gradient's norm is inf, the loss ")
    assert "no weight was changed" in message and "lower stages.transfer.learning_rate (here 1e+10)" in message
    assert message.count(" draw ") == 4 and "draw 4, loss " in message and " at time " in message
    assert [row["step"] for row in read_rows(tmp_path / "run") if row["kind"] == "train"] == [1]
    with pytest.raises(DivergedError, match="step 1: the gradient"):
        run(tmp_path / "run", sets, resume=True, **fast)


def test_when_it_diverges_no_bit_of_the_state_changes(sets):
    work = work_of(small_training(**stage(learning_rate=1e10, warmup_steps=0, clip=1e30)), sets)
    work.take(0)
    before = {name: tensor.clone() for name, tensor in work.tensors().items()}
    with pytest.raises(DivergedError):
        work.take(1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in work.tensors().items())


def test_a_loss_that_is_nan_names_the_samples_that_have_it(sets):
    work = work_of(small_training(**stage()), sets)
    encoder = work.encoder

    def poisoned(batch):
        encoded = encoder(batch)
        encoded.clean[2] = float("nan")
        return encoded

    work.encoder = poisoned
    with pytest.raises(DivergedError, match=r"(?s)the loss is nan; .*look at these samples") as told:
        work.take(0)
    assert str(told.value).count(" draw ") == 1 and "draw 2, loss nan" in str(told.value)
