"""The local engine: a loop in this process, for debuggers, tests and notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any


class LocalEngine:
    """Runs every task in this process, in order."""

    def run(
        self,
        tasks: Sequence[bytes],
        factory: Callable[..., Callable[[bytes], bytes]],
        arguments: tuple[Any, ...] = (),
        gpus: float = 0.0,
    ) -> Iterator[bytes]:
        """Yields the result of each task. An exception in a worker ends the run. The worker sees every GPU there is."""
        if not tasks:
            return
        worker = factory(*arguments)
        for task in tasks:
            yield worker(task)

    def close(self) -> None:
        """Nothing is held."""
