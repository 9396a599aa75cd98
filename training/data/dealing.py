"""Which process takes which part of a global batch."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numba
import numpy as np
from numpy.typing import NDArray

from training.data.groups import Groups


class Dealt:
    """The groups of process `rank` of `world`, by step.

    Each group goes to the process with room that has had least of its parts so far, so every process gets the shares
    of the whole. A step needs the steps before it: they are gone through once, when first asked for. Threads may share
    it.
    """

    def __init__(self, batches: Iterator[Groups], part: NDArray[np.int16], rank: int, world: int) -> None:
        self._batches, self._part, self._rank = batches, part, rank
        self._had = np.zeros((int(part.max()) + 1, world), dtype=np.int64)
        self._steps: list[Groups] = []
        self._lock = threading.Lock()

    def __getitem__(self, step: int) -> Groups:
        with self._lock:
            while len(self._steps) <= step:
                self._steps.append(self._mine(next(self._batches)))
            return self._steps[step]

    def _mine(self, groups: Groups) -> Groups:
        if self._had.shape[1] == 1:
            return groups
        taker = _deal(self._part[groups.places], len(self._steps) % len(groups.places), self._had)
        mine = np.flatnonzero(taker == self._rank)
        return Groups(tuple(groups.sizes[number] for number in mine), groups.places[mine])


@numba.njit(cache=True, nogil=True)
def _deal(parts: NDArray[np.int16], first: int, had: NDArray[np.int64]) -> NDArray[np.int64]:
    """The process of each group, and `had` brought up to date. parts: (groups, together); had: (parts, processes)."""
    groups, world = len(parts), had.shape[1]
    taker = np.empty(groups, dtype=np.int64)
    room = np.full(world, groups // world)
    for turn in range(groups):
        group = (first + turn) % groups
        best, least = -1, 0
        for rank in range(world):
            if room[rank] > 0:
                load = 0
                for part in parts[group]:
                    load += had[part, rank]
                if best < 0 or load < least:
                    best, least = rank, load
        taker[group] = best
        room[best] -= 1
        for part in parts[group]:
            had[part, best] += 1
    return taker
