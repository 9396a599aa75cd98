"""The checkpoints of a run, written while training goes on."""

from __future__ import annotations

import json
import shutil
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.staging import DefaultStager, StagingOptions
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from schemas.errors import CheckpointError
from training.checkpoints.contents import STATE, read_json
from training.checkpoints.failures import described, unremarked
from training.checkpoints.memory import distinct
from training.checkpoints.reading import load_tensors
from training.checkpoints.writer import CheckpointWriter
from training.parallel import World

_MAKING = ".making"


class Checkpoints:
    """The checkpoints in one folder, one folder `step-NNNNNNNN` each: tensors, `state.json`, `contents.json`.

    The folder is one that all processes see. Whatever a crash leaves of a checkpoint in the making, or of one half
    deleted, is removed here.

    background: `save` returns at once. A thread copies the tensors to memory of its own, which it keeps for the next
    time (pinned, for tensors on a GPU), while forward and backward passes go on; every optimizer waits for the copy
    before its next step, and whoever else changes the tensors must call `copied` first. Another thread writes the copy.
    The processes agree over a group of their own, so that nothing of it mixes with training. One checkpoint at a time
    is under way. All that can go wrong is raised by the next `save`, `load`, `state` or `finish`.

    held_seconds: time that training has waited here. writing_seconds: time from the beginning of a `save` to the
    checkpoint being durable, of all so far.
    """

    def __init__(self, folder: Path, world: World, background: bool) -> None:
        self._folder, self._world = folder, world
        self.held_seconds, self.writing_seconds = 0.0, 0.0
        self._group = dist.new_group(backend="gloo") if world.size > 1 else None
        self._thread = ThreadPoolExecutor(1, "checkpoints") if background else None
        self._stager: DefaultStager | None = None
        self._copy: Future[Any] | None = None
        self._hook: RemovableHandle | None = None
        self._jobs: list[Future[None]] = []
        self._writing: int | None = None
        unremarked()
        if world.leads:
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.glob(f"*{_MAKING}"):
                shutil.rmtree(leftover)
        world.wait()

    def path(self, step: int) -> Path:
        """The folder of the checkpoint after `step` steps of the run."""
        return self._folder / f"step-{step:08d}"

    def steps(self) -> list[int]:
        """Steps of the checkpoints, the one being written counted in, ascending."""
        finished = {int(path.name.removeprefix("step-")) for path in self._folder.glob("step-????????")}
        return sorted(finished if self._writing is None else finished | {self._writing})

    def save(self, step: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Writes a checkpoint; every process must call it, with the same `state`. A crash leaves the earlier ones as
        they were. Tensors that share their memory are written once. For when they may change see `background`.

        Raises CheckpointError when there is one of this step, when it cannot be written, or the one before could not.
        """
        self.finish()
        begun = time.monotonic()
        if self.path(step).exists():
            raise CheckpointError(f"checkpoint {self.path(step)}: is there already; a step is saved once")
        named, same = distinct(tensors)
        text = json.dumps(state, indent=1, sort_keys=True)
        self._writing = step
        copy = self._copied(named) if self._thread is not None else None
        self._do(lambda: self._write(step, copy.result() if copy else named, text, same, begun))
        self.held_seconds += time.monotonic() - begun

    def copied(self) -> None:
        """Returns when the tensors of the last `save` may change again."""
        begun = time.monotonic()
        if self._copy is not None:
            wait([self._copy])  # what went wrong is raised where the copy is used
        self.held_seconds += time.monotonic() - begun

    def keep(self, steps: Iterable[int]) -> None:
        """Removes all checkpoints but these.

        Nothing is removed before the last one saved is durable, nor if it could not be written.
        """
        doomed = set(self.steps()) - set(steps)
        if self._world.leads and doomed:
            self._do(lambda: self._remove(doomed))

    def finish(self) -> None:
        """Returns when nothing is under way any more. Raises CheckpointError for what went wrong in the meantime."""
        begun = time.monotonic()
        jobs, self._jobs, self._writing, self._copy = self._jobs, [], None, None
        if self._hook is not None:
            self._hook.remove()
        for job in jobs:
            job.result()
        self.held_seconds += time.monotonic() - begun

    def state(self, step: int) -> dict[str, Any]:
        """The plain state saved with a checkpoint."""
        self.finish()
        return read_json(self.path(step), STATE)

    def load(self, step: int, tensors: Mapping[str, Tensor]) -> None:
        """Fills `tensors` in place as `load_tensors` does; every process must call it."""
        self.finish()
        load_tensors(self.path(step), tensors, self._world)

    def _do(self, job: Callable[[], None]) -> None:
        """Runs a job behind those under way, unless one of them has failed."""
        if self._thread is None:
            job()
            return
        before = list(self._jobs)

        def behind() -> None:
            if not any(other.exception() for other in before):
                job()

        self._jobs.append(self._thread.submit(behind))

    def _copied(self, tensors: dict[str, Tensor]) -> Future[dict[str, Tensor]]:
        on_gpu = any(tensor.is_cuda for tensor in tensors.values())
        if self._stager is None:
            self._stager = DefaultStager(
                StagingOptions(
                    use_pinned_memory=on_gpu,
                    use_shared_memory=False,
                    use_async_staging=True,
                    use_non_blocking_copy=on_gpu,
                )
            )
        if on_gpu:  # the copy has a stream of its own, which knows nothing of the last step's kernels
            torch.cuda.synchronize()
        copy = self._stager.stage(tensors)
        assert isinstance(copy, Future)
        self._copy = copy
        self._hook = register_optimizer_step_pre_hook(lambda *_: self.copied())
        return copy

    def _write(self, step: int, tensors: dict[str, Tensor], state: str, same: dict[str, str], begun: float) -> None:
        making = self._folder / f"step-{step:08d}{_MAKING}"
        writer = CheckpointWriter(making, self.path(step), state, same)
        try:
            dcp.save(tensors, storage_writer=writer, process_group=self._group, no_dist=self._world.size == 1)
        except CheckpointException as error:
            if self._world.leads:
                shutil.rmtree(making, ignore_errors=True)
            raise CheckpointError(
                f"checkpoint {self.path(step)}: could not be written ({described(error)}); make room or give the "
                "folder its rights back, and resume: the run goes on from the checkpoint before"
            ) from error
        self.writing_seconds += time.monotonic() - begun

    def _remove(self, steps: Collection[int]) -> None:
        for step in steps:
            doomed = self.path(step).with_name(f"step-{step:08d}{_MAKING}")
            try:
                self.path(step).rename(doomed)
                shutil.rmtree(doomed)
            except OSError as error:  # what is left goes at the next start; no reason to end a run
                warnings.warn(f"checkpoint {self.path(step)}: cannot be removed ({error})", stacklevel=2)
