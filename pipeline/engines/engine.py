"""What an engine is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol


class Engine(Protocol):
    """Runs `factory(*arguments)` once a worker and calls it with each task.

    Tasks and results are bytes: that is all that crosses a process wall. Results come in the order in which they are
    done. The factory is a class at the top level of a module, so that another process can import it. gpus: how many (or
    what share of one) each worker holds.
    """

    def run(
        self,
        tasks: Sequence[bytes],
        factory: Callable[..., Callable[[bytes], bytes]],
        arguments: tuple[Any, ...] = (),
        gpus: float = 0.0,
    ) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Gives back what the engine holds; it is not used afterwards."""
