"""Runs of the small recipe, what lies in their folders, and what other processes do with them."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import time
from pathlib import Path

import torch
from rich.console import Console
from safetensors.torch import load_file

from schemas.recipe.training import ParallelSection
from tests.training.conftest import small_training
from training.checkpoints.contents import Contents
from training.checkpoints.writer import CheckpointWriter
from training.observing.log import read_rows
from training.parallel import joined
from training.run import train

QUIET = Console(quiet=True)
#: The fields of a stage of the small recipe.
STAGE = {"steps": 6, "batch_size": 4, "learning_rate": 2e-3, "warmup_steps": 2, "ema": 0.5}


def run(out, sets, resume=False, **changes):
    """The small recipe, changed, with seed 3."""
    return train(small_training(**changes), 3, sets, out, resume, QUIET)


def stage(**changes):
    """The recipe's stages: one, changed."""
    return {"stages": {"transfer": {**STAGE, **changes}}}


def losses(out):
    """The loss curve."""
    return [row["loss"] for row in read_rows(out) if row["kind"] == "train"]


def steps(out):
    """The steps of the checkpoints."""
    return sorted(int(path.name[5:]) for path in (out / "checkpoints").glob("step-????????"))


def checkpoint(out, step=None):
    """All tensors of a checkpoint of one process, the last one by default."""
    folder = out / "checkpoints" / f"step-{steps(out)[-1] if step is None else step:08d}"
    files = sorted(folder.glob("*.safetensors"))
    tensors = {name: tensor for file in files for name, tensor in load_file(file).items()}
    return tensors | {name: tensors[first] for name, first in Contents.of(folder).same.items()}


def weights(out):
    """Those of the exported editor."""
    return load_file(out / "editor" / "editor.safetensors")


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def same_bits(out, expected):
    """Whether two runs have the same metrics, last checkpoint and editor."""
    return (
        read_rows(out) == read_rows(expected)
        and steps(out)[-1] == steps(expected)[-1]
        and equal(checkpoint(out), checkpoint(expected))
        and equal(weights(out), weights(expected))
    )


def reached(out, step):
    """Returns when the log of a run in other processes has a step at or after `step`."""
    log, deadline = out / "metrics.jsonl", time.monotonic() + 200
    while time.monotonic() < deadline:
        if log.exists() and any(f'"step": {later},' in log.read_text() for later in range(step, step + 20)):
            return
        time.sleep(0.002)
    raise AssertionError(f"step {step} was not reached")


def cut(out: Path, step: int, to: Path) -> Path:
    """A copy of a run as it was when a crash came after the checkpoint of `step`; its log is further."""
    shutil.copytree(out, to, ignore=shutil.ignore_patterns("editor", "tensorboard"))
    for later in steps(to):
        if later > step:
            shutil.rmtree(to / "checkpoints" / f"step-{later:08d}")
    return to


def run_among(out, sets, changes, resume=False):
    """The run, in each of several processes."""
    gc.freeze()  # what was imported need not be looked through after each stage
    run(out, sets, resume, **changes)


def cut_among(out, step, to):
    """`cut` by one of several processes, for all of them."""
    with joined(ParallelSection()) as world:
        if world.leads:
            cut(out, step, to)
        world.wait()


def die_while_saving(out, sets, changes, step):
    """The run, ended by SIGKILL when all of the checkpoint of `step` but its name is on the disk."""
    finish = CheckpointWriter.finish

    def finish_or_die(writer, metadata, results):
        if writer._final.name == f"step-{step:08d}":
            os.kill(os.getpid(), signal.SIGKILL)
        finish(writer, metadata, results)

    CheckpointWriter.finish = finish_or_die
    run(out, sets, **changes)
