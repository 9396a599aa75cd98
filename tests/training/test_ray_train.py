"""Two workers of Ray Train run the small recipe, as one process does."""

import json

import numpy as np
import pytest
from rich.console import Console

from jobs.ray_train import mendable, train_on_ray
from schemas.errors import CheckpointError
from schemas.recipe import Recipe
from tests.training.conftest import small_training
from training.run import train


def losses(out):
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row["loss"] for row in rows if row["kind"] == "train"]


@pytest.mark.slow
def test_two_ray_workers_train_as_one_process(sets, tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    ray.shutdown()  # of tests before
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    monkeypatch.chdir(tmp_path)
    places = {name: [str(folder) for folder in folders] for name, folders in sets.items()}
    stages = {"transfer": {"batch_size": 4, "learning_rate": 2e-3, "warmup_steps": 2, "ema": 0.5, "steps": 4}}
    training = small_training(datasets=places, stages=stages)
    recipe = Recipe(seed=3, training=training)
    try:
        result = train_on_ray(recipe, tmp_path / "two", resume=False, workers=2, gpus=0)
    finally:
        ray.shutdown()
    expected = train(training, 3, sets, tmp_path / "one", console=Console(quiet=True))
    assert result.editor.is_dir() and (result.stage, result.step) == (expected.stage, expected.step)
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=1e-3)


def test_a_mistake_of_the_user_is_told_without_rays_wrapping():
    exceptions = pytest.importorskip("ray.train.v2._internal.exceptions")
    mistake = CheckpointError("run: holds a training run")
    wrapped = {0: RuntimeError("rank 0 left"), 1: exceptions.UserExceptionWithTraceback(mistake, "Traceback …")}
    assert mendable(wrapped.values()) is mistake
    assert mendable([RuntimeError("out of memory")]) is None
