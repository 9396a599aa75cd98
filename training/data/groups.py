"""Draws that pass the editor together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.families.buckets import Size


class Groups(NamedTuple):
    """Groups of equally many draws. sizes: what the pictures of each group come to. places: int64 (groups, together),
    in the sequence of draws.
    """

    sizes: tuple[Size, ...]
    places: NDArray[np.int64]


def singles(size: Size, steps: int, batch_size: int) -> Iterator[Groups]:
    """The groups of each global batch where all pictures come to one size: each place by itself, in order."""
    sizes = (size,) * batch_size
    for start in range(0, steps * batch_size, batch_size):
        yield Groups(sizes, np.arange(start, start + batch_size)[:, None])


def by_size(size_of: Callable[[int], Size], together: int, batch_size: int) -> Iterator[Groups]:
    """The groups of each global batch, without end: `together` places of one size each.

    Places wait in order, by size, until enough are there; the groups follow each other as they become full. So no place
    is passed over for good, at any time at most `together` − 1 of each size wait, and the groups do not depend on the
    number of processes. size_of is called once for each place, in order.
    """
    waiting: dict[Size, list[int]] = {}
    full: list[tuple[Size, list[int]]] = []
    place = 0
    while True:
        size = size_of(place)
        waiting.setdefault(size, []).append(place)
        place += 1
        if len(waiting[size]) == together:
            full.append((size, waiting.pop(size)))
        if len(full) * together == batch_size:
            yield Groups(tuple(size for size, _ in full), np.array([places for _, places in full]))
            full = []
