"""What a recipe says about data, through the whole trainer."""

import dataclasses
import os

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny
from safetensors import safe_open
from safetensors.torch import save_file

import training.step
from tests.training.conftest import made_pairs
from tests.training.runs import STAGE, checkpoint, cut, equal, losses, run, same_bits, stage
from tests.training.shards import MadePair, write_dataset
from training.encodings import Encoder
from training.observing.log import read_rows

ONCE = {"every": 6, "samples": 1, "steps": 1}
#: Every option that draws something about a sample.
EVERYTHING = {
    "languages": {"en": 1, "zh": 1},
    "drop_prompt": 0.3,
    "drop_picture": 0.3,
    "drop_reference": 0.3,
    "web_style": 0.5,
    "readers": 2,
}


def pair(number, split):
    """Of a shape of its own, upright, square or lying, larger or smaller than the side of 72 that is trained."""
    height, width = [(90, 70), (60, 80), (7, 50), (150, 120), (33, 33), (100, 160)][number % 6]
    rng = np.random.default_rng(number)
    clean = np.kron(
        rng.integers(0, 256, (-(-height // 8), -(-width // 8), 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8)
    )
    clean = clean[:height, :width]
    degraded = (clean * 0.7 + 30).astype(np.uint8)
    task = ("noise", "blur")[number // 6 % 2]
    return MadePair(f"{split}{number:03d}", task, task, split, degraded, clean)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A set of pairs of many shapes."""
    pairs = [pair(number, "train") for number in range(12)] + [pair(number, "validation") for number in range(0, 12, 2)]
    return {"synthetic": [write_dataset(tmp_path_factory.mktemp("mixed") / "synthetic", pairs)]}


@pytest.mark.parametrize("fit", ["crop", "square", "bucket"])
def test_pictures_of_any_shape_train_with_all_options_and_resume_to_the_bit(fit, mixed, tmp_path):
    changes = stage(steps=3, microbatch=2) | {
        "crop": 72,
        "data": {"fit": fit, **EVERYTHING},
        "objective": {"form": "noise"},
        "validation": {"every": 3, "samples": 3, "steps": 1, "guidance": 2.0},
        "checkpoints": {"every": 1, "newest": 20},
    }
    run(tmp_path / "whole", mixed, **changes)
    run(cut(tmp_path / "whole", 2, tmp_path / "run"), mixed, resume=True, **changes)
    assert same_bits(tmp_path / "run", tmp_path / "whole")
    assert np.isfinite(losses(tmp_path / "whole")).all()


NOISE = stage(steps=2) | {"validation": ONCE, "objective": {"form": "noise"}}


@pytest.fixture(scope="module")
def plain(sets, tmp_path_factory):
    out = tmp_path_factory.mktemp("plain") / "run"
    run(out, sets, **NOISE)
    return losses(out)


@pytest.mark.parametrize("option", EVERYTHING)
def test_each_option_that_draws_something_changes_what_is_learnt(option, plain, sets, tmp_path):
    """But readers, which only read."""
    run(tmp_path / "run", sets, **NOISE, data={option: EVERYTHING[option]})
    assert (losses(tmp_path / "run") == plain) == (option == "readers")


def tasks(out):
    """Which tasks each step trained."""
    return [set(row["loss_by_task"]) for row in read_rows(out) if row["kind"] == "train"]


def only(task, name, root):
    pairs = [pair for split in ("train", "validation") for pair in made_pairs(4, split, 2) if pair.task == task]
    return write_dataset(root / name, pairs)


def test_shares_move_from_one_set_to_another_over_a_stage(tmp_path):
    sets = {"synthetic": [only("noise", "synthetic", tmp_path)], "real": [only("haze", "real", tmp_path)]}
    moving = stage(steps=5, weights={"synthetic": 1}, weights_end={"real": 1})
    run(tmp_path / "run", sets, **moving, validation=ONCE)
    assert tasks(tmp_path / "run") == [{"noise"}, *[{"noise", "haze"}] * 3, {"haze"}]


def test_a_curriculum_of_stages_draws_what_each_names(tmp_path):
    curricula = {"noise": "single", "blur": "multiple", "haze": "high_order"}
    pairs = [
        pair._replace(curriculum=curricula[pair.task])
        for split in ("train", "validation")
        for pair in made_pairs(4, split, 2)
    ]
    sets = {"synthetic": [write_dataset(tmp_path / "synthetic", pairs)]}
    each = {**STAGE, "steps": 1}
    stages = {name: {**each, "curriculum": [name]} for name in curricula.values()}
    stages["all"] = {**each, "batch_size": 6, "tasks": {"noise": 2, "blur": 1}}
    run(tmp_path / "run", sets, stages=stages, validation={**ONCE, "every": 1})
    assert tasks(tmp_path / "run") == [{"noise"}, {"blur"}, {"haze"}, {"noise", "blur"}]


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory):
    torch.manual_seed(0)
    channels = {"encoder_block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4}
    blocks = {"num_encoder_blocks": (1,) * 4, "num_decoder_blocks": (1,) * 4}
    place = tmp_path_factory.mktemp("autoencoder")
    AutoencoderTiny(latent_channels=16, **channels, **blocks).save_pretrained(place)
    return str(place)


class Cached:
    """Runs on latents that are kept, and what their encoders found."""

    def __init__(self, autoencoder, sets, root):
        self.sets, self.root, self.cache = sets, root, root / "cache"
        editor = {"latents": autoencoder, "heads": 1, "double_blocks": 1, "single_blocks": 1, "words": 16}
        self.changes = stage(steps=4) | {"editor": editor, "crop": 32, "validation": ONCE}
        self.encoders = []
        self.run("plain", data={"fit": "square"})

    def run(self, name, data=None):
        self.encoders.clear()
        kept = {"fit": "square", "cache": str(self.cache), "cache_latents": True}
        run(self.root / name, self.sets, **self.changes, data=data or kept)
        return self.root / name

    @property
    def counts(self):
        """found, kept, damaged"""
        (encoder,) = self.encoders
        return dataclasses.astuple(encoder.cache.counts)

    def files(self):
        return {path: path.stat().st_mtime_ns for path in self.cache.glob("??/*.safetensors")}

    def as_without(self, out):
        return losses(out) == losses(self.root / "plain") and equal(checkpoint(out), checkpoint(self.root / "plain"))


@pytest.fixture
def cached(autoencoder, sets, tmp_path, monkeypatch):
    found = Cached(autoencoder, sets, tmp_path)

    def noted(*given):
        found.encoders.append(Encoder(*given))
        return found.encoders[-1]

    monkeypatch.setattr(training.step, "Encoder", noted)
    return found


def test_kept_encodings_change_no_bit_and_a_second_run_encodes_nothing(cached):
    assert cached.as_without(cached.run("first"))
    found, kept, damaged = cached.counts
    files = cached.files()
    assert kept == len(files) > 0 and damaged == 0
    assert cached.as_without(cached.run("second"))
    assert cached.counts == (found + kept, 0, 0)
    assert cached.files() == files


def spoilt(path):
    with safe_open(path, "pt") as file:
        described = file.metadata()
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    for tensor in tensors.values():
        if tensor.is_floating_point():
            tensor.view(-1)[0] = float("nan")
    save_file(tensors, path, metadata=described)


def test_kept_encodings_that_became_nan_or_were_cut_off_are_made_again(cached):
    cached.run("first")
    total, files = sum(cached.counts), sorted(cached.files())
    for path in files[::2]:
        spoilt(path)
    os.truncate(files[1], 100)
    assert cached.as_without(cached.run("second"))
    again = len(files[::2]) + 1
    assert cached.counts == (total - again, again, again)
    assert cached.as_without(cached.run("third")) and cached.counts == (total, 0, 0)
