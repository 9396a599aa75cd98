"""The Ray engine: an actor pool on Ray Data, one row a task."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from schemas.errors import TarnishError


class RayEngine:
    """Runs tasks in `actors` Ray actors of one CPU each (0: one for each CPU that Ray has).

    Joins the cluster that RAY_ADDRESS names, else starts Ray on this machine. A worker that dies is replaced and its
    task run again; an exception in a worker ends the run.
    Raises TarnishError when Ray is not installed.
    """

    def __init__(self, actors: int = 0) -> None:
        try:
            import ray
        except ImportError as error:
            raise TarnishError(
                "engine.kind: 'ray' needs the package ray; install tarnish[ray] or set engine.kind=local"
            ) from error
        self._started = not ray.is_initialized()
        if self._started:
            os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # else warnings break the progress bars
            ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=_joins_cluster())
        self._actors = actors or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def run(
        self,
        tasks: Sequence[bytes],
        factory: Callable[..., Callable[[bytes], bytes]],
        arguments: tuple[Any, ...] = (),
        gpus: float = 0.0,
    ) -> Iterator[bytes]:
        """Yields the result of each task as soon as it is done. Workers that hold GPUs are as many as those allow.

        Raises TarnishError when Ray has fewer than `gpus` GPUs.
        """
        if not tasks:
            return
        import ray.data
        from ray.data import ActorPoolStrategy, DataContext

        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        dataset = ray.data.from_items([{"task": task} for task in tasks], override_num_blocks=len(tasks)).map(
            _Actor,
            fn_constructor_args=(factory, arguments),
            compute=ActorPoolStrategy(size=min(self._actors, len(tasks), *self._holders(gpus))),
            num_cpus=1,
            num_gpus=gpus or None,
        )
        for row in dataset.iter_rows():
            yield row["result"]

    def _holders(self, gpus: float) -> list[int]:
        """How many workers can hold that many GPUs each, if any are to be held."""
        if gpus == 0.0:
            return []
        import ray

        there = float(ray.cluster_resources().get("GPU", 0.0))
        each = int(there / gpus) if gpus >= 1.0 else int(there) * int(1.0 / gpus)
        if each == 0:
            raise TarnishError(f"engine.worker_gpus: {gpus}, but Ray has {there:g} GPUs; set it to 0 or join a cluster")
        return [each]

    def close(self) -> None:
        """Leaves the cluster, or stops the Ray that this engine started; a Ray that was there before stays."""
        import ray

        if self._started:
            ray.shutdown()


class _Actor:
    """The worker inside a Ray actor."""

    def __init__(self, factory: Callable[..., Callable[[bytes], bytes]], arguments: tuple[Any, ...]) -> None:
        self._worker = factory(*arguments)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"result": self._worker(row["task"])}


def _joins_cluster() -> bool | None:
    """A dashboard is left to the cluster's own settings; one started here has none."""
    return None if os.environ.get("RAY_ADDRESS") else False
