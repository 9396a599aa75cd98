"""A stopwatch for the parts of a step that never makes the host wait for the device."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch


class _Span(NamedTuple):
    name: str
    start: torch.cuda.Event
    end: torch.cuda.Event


class Clock:
    """Seconds spent in named parts.

    On CUDA a part lasts from the moment when the device reaches its first operation to the end of its last, told by
    events in the stream; a span is counted when it is found finished, so that of the last part of a step may count to
    the step after. Elsewhere it is wall time.
    """

    def __init__(self, device: torch.device) -> None:
        self._on_device = device.type == "cuda"
        self._running: deque[_Span] = deque()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Adds the time of the block to `name`."""
        if self._on_device:
            span = _Span(name, torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True))
            span.start.record()
            yield
            span.end.record()
            self._running.append(span)
        else:
            begun = time.perf_counter()
            yield
            self._add(name, time.perf_counter() - begun)

    def take(self) -> dict[str, float]:
        """Seconds of each part that ended since the last call."""
        while self._running and self._running[0].end.query():
            span = self._running.popleft()
            self._add(span.name, span.start.elapsed_time(span.end) / 1000.0)
        taken, self._seconds = self._seconds, {}
        return taken

    def _add(self, name: str, seconds: float) -> None:
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds
