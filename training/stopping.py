"""Ending a run between two steps when somebody asks for it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from training.parallel import World

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: Seconds within which a second Ctrl-C is the echo of the first.
_ECHO = 1.0


class StopRequest:
    """Whether this process was asked to stop, by Ctrl-C or by SIGTERM (as schedulers send before they take a node)."""

    def __init__(self) -> None:
        self._asked = False
        self._interrupted: float | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Notes such signals inside the context. A second Ctrl-C has its usual effect at once, but for one within a
        second of the first: a launcher passes on what the terminal has sent to all. Further SIGTERMs change nothing.

        Signals reach the main thread alone: elsewhere (a worker of Ray Train) nothing is changed.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in _SIGNALS}

        def note(number: int, frame: FrameType | None) -> None:
            now = time.monotonic()
            self._asked = True
            if number == signal.SIGINT:
                if self._interrupted is not None and now - self._interrupted > _ECHO:
                    raise KeyboardInterrupt
                self._interrupted = now if self._interrupted is None else self._interrupted

        for number in _SIGNALS:
            signal.signal(number, note)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def agreed(self, world: World) -> bool:
        """Whether any process of the world was asked; all must call it, and all get the same answer."""
        return bool(world.sum(torch.tensor(float(self._asked))))
