"""Seconds and peak memory of each step of a run, over the whole tree of processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from evaluation.report import StepCost

_INTERVAL_SECONDS = 0.5


class Meter:
    """Collects the cost of named steps.

    Memory is the proportional set size, which counts a page shared by several processes once, sampled twice a second;
    where the system does not tell it, the resident set size.
    """

    def __init__(self) -> None:
        self.steps: list[StepCost] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measures the block as one step."""
        peak = [_tree_bytes()]
        stopped = threading.Event()

        def watch() -> None:
            while not stopped.wait(_INTERVAL_SECONDS):
                peak[0] = max(peak[0], _tree_bytes())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        started = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - started
            stopped.set()
            watcher.join()
            self.steps.append(StepCost(name, seconds, max(peak[0], _tree_bytes())))


def _tree_bytes() -> int:
    here = psutil.Process()
    total = 0
    for process in (here, *here.children(recursive=True)):
        try:
            total += _bytes_of(process)
        except psutil.Error:
            continue  # it ended meanwhile
    return total


def _bytes_of(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, AttributeError):
        return int(process.memory_info().rss)
