"""Reading a few things before they are asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

T = TypeVar("T")

#: Things read at once, and begun but not taken yet.
THREADS, HELD = 16, 64


class Ahead(Generic[T]):
    """`read(position)`, begun early by threads of its own. Threads may share it; a pickled one starts empty."""

    def __init__(self, read: Callable[[int], T]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._begun: OrderedDict[int, Future[T]] = OrderedDict()
        self._pool: ThreadPoolExecutor | None = None

    def begin(self, positions: Sequence[int]) -> None:
        """Begins to read `positions`, in this order, as far as there is room.

        Of what was begun and never taken, the oldest that is ready makes room.
        """
        for position in positions:
            with self._lock:
                if position in self._begun:
                    continue
                if len(self._begun) >= HELD and not self._drop_ready():
                    return
                self._pool = self._pool or ThreadPoolExecutor(THREADS, thread_name_prefix="shards")
                self._begun[position] = self._pool.submit(self._read, position)

    def take(self, position: int) -> T:
        """What was begun for `position`, or else read now. Raises what reading raises."""
        with self._lock:
            begun = self._begun.pop(position, None)
        return self._read(position) if begun is None or begun.cancel() else begun.result()

    def _drop_ready(self) -> bool:
        for position, begun in self._begun.items():
            if begun.done():
                del self._begun[position]
                return True
        return False

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._read,)
