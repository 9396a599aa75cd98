"""A training run on Ray's workers (Ray Train) instead of torchrun's processes."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import TarnishError
from schemas.recipe import Recipe

if TYPE_CHECKING:
    from training.run import TrainResult


def train_on_ray(recipe: Recipe, out: Path, resume: bool, workers: int, gpus: int | None = None) -> TrainResult:
    """Trains as `training.run.train` does, in `workers` processes of the cluster that RAY_ADDRESS names, else of this
    machine. `out` and all paths of the recipe must be seen by every node. Workers that a node takes with it when it is
    reclaimed begin again at the newest checkpoint.

    gpus: GPUs each worker holds, 0 or 1; None: 1 where the cluster has any now.
    Raises TarnishError when Ray is not installed, and what training raises.
    """
    try:
        import ray
        from ray.train import RunConfig, ScalingConfig, WorkerGroupError
        from ray.train.torch import TorchConfig, TorchTrainer
    except ImportError as error:
        raise TarnishError("--ray: needs the package ray; install tarnish[ray] or start it with torchrun") from error
    from training.parallel.world import BACKENDS, TIMEOUT

    out = out.resolve()
    # A folder that holds no run yet may only be one that these workers began and lost.
    again = resume or not (out / "run.json").exists()
    job = {"training": recipe.training, "seed": recipe.seed, "out": out, "resume": again, "folder": Path.cwd()}
    with _connected():
        if gpus is None:
            gpus = int(ray.cluster_resources().get("GPU", 0.0) >= 1.0)
        trainer = TorchTrainer(
            _work,
            train_loop_config=job,
            scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpus > 0),
            torch_config=TorchConfig(
                backend=BACKENDS["cuda" if gpus else "cpu"], timeout_s=int(TIMEOUT.total_seconds())
            ),
            run_config=RunConfig(name="ray", storage_path=str(out)),
        )
        try:
            result: TrainResult = trainer.fit().return_value
        except WorkerGroupError as error:
            raise mendable(error.worker_failures.values()) or error from None
        return result


def _work(job: dict[str, Any]) -> TrainResult:
    """What each worker does, in the folder where the command was given, if it has that."""
    from rich.console import Console

    from training.run import train

    if job["folder"].is_dir():
        os.chdir(job["folder"])
    training = job["training"]
    return train(training, job["seed"], training.datasets, job["out"], job["resume"], Console(quiet=True))


def mendable(failures: Iterable[BaseException]) -> TarnishError | None:
    """The user's mistake among the workers' errors, taken out of Ray's wrapping."""
    causes = (getattr(failure, "_base_exc", failure) for failure in failures)
    return next((cause for cause in causes if isinstance(cause, TarnishError)), None)


@contextmanager
def _connected() -> Iterator[None]:
    import ray

    started = not ray.is_initialized()
    if started:
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        dashboard = None if os.environ.get("RAY_ADDRESS") else False  # a cluster has its own setting
        ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=dashboard)
    try:
        yield
    finally:
        if started:
            ray.shutdown()
