"""Ending a run between two steps when somebody asks for it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from training.parallel import World

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether this process was asked to stop, by Ctrl-C or by SIGTERM (as schedulers send before they take a node)."""

    def __init__(self) -> None:
        self._asked = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Notes the first such signal inside the context; a second one has its usual effect at once.

        Signals reach the main thread alone: elsewhere (a worker of Ray Train) nothing is changed.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in _SIGNALS}

        def note(number: int, frame: FrameType | None) -> None:
            self._asked = True
            for each, handler in before.items():
                signal.signal(each, handler)

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
