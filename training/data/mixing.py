"""Which pair is drawn when: shares by set and by task, no repetition before a task's pairs are exhausted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.rng import generator
from schemas.errors import DatasetError, RecipeError
from schemas.recipe.training import StageSection
from schemas.tasks import TASKS
from training.data.pairs import PairSet


class Part(NamedTuple):
    """The pairs of one task in one set: their positions, ascending."""

    set: str
    task: str
    positions: NDArray[np.int64]


@dataclass(frozen=True)
class Draws:
    """A stage's sequence of draws: draw i is the pair at `positions[i]` of the set of `parts[part[i]]`."""

    parts: tuple[Part, ...]
    part: NDArray[np.int16]
    positions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.part)


def draws(sets: Mapping[str, PairSet], stage: StageSection, key: str, ahead: int = 0) -> Draws:
    """All draws of a stage, and `ahead` more.

    Sets come in the shares of `stage.weights` (moving to `weights_end`, by steps), tasks within a set in those of
    `stage.tasks` (equal shares if empty). Each draw takes the set, then the task in it, that is owed most so far, so
    every stretch of the sequence has the shares to within a draw or two. The pairs of one part come in a new shuffled
    order each epoch, keyed by `key` (the seed and the stage's name), set and task; the order depends on nothing else.

    Raises RecipeError when a set of the stage was not given and DatasetError when a set has a task that nobody knows
    or no pair of a task or curriculum asked.
    """
    parts: list[Part] = []
    first, shares, start, end = [0], [], [], []
    for name in stage.sets:
        if name not in sets:
            raise RecipeError(f"weights.{name}: no such set of shards; given: {', '.join(sets) or 'none'}")
        positions = _positions(sets[name], stage)
        weights = {task: w for task, w in (stage.tasks or dict.fromkeys(positions, 1.0)).items() if w > 0}
        parts += [Part(name, task, np.array(positions[task])) for task in weights]
        shares += [weight / sum(weights.values()) for weight in weights.values()]
        first.append(len(parts))
        start.append(_share(stage.weights, name))
        end.append(_share(stage.weights if stage.weights_end is None else stage.weights_end, name))
    part = np.empty(stage.steps * stage.batch_size + ahead, dtype=np.int16)
    _mix(np.array(start), np.array(end), np.array(first), np.array(shares), stage.steps, stage.batch_size, part)
    positions_drawn = np.empty(len(part), dtype=np.int64)
    for number, drawn in enumerate(parts):
        places = np.flatnonzero(part == number)
        positions_drawn[places] = _shuffled(drawn, len(places), key)
    return Draws(tuple(parts), part, positions_drawn)


def _share(weights: Mapping[str, float], name: str) -> float:
    return weights.get(name, 0.0) / sum(weights.values())


def _positions(pairs: PairSet, stage: StageSection) -> dict[str, list[int]]:
    """Positions of the pairs that the stage may draw, by task."""
    by_task = pairs.positions_by_task(stage.curriculum)
    if unknown := sorted(by_task.keys() - TASKS.keys()):
        raise DatasetError(
            f"training set {pairs.name!r} has pairs of unknown tasks: {', '.join(unknown)}; known: {', '.join(TASKS)}"
        )
    if not by_task:
        raise DatasetError(
            f"training set {pairs.name!r} has no pair of curriculum {', '.join(stage.curriculum)}; "
            f"it has {', '.join(sorted(filter(None, pairs.curricula))) or 'none'}: change the stage or the set"
        )
    if missing := sorted(task for task, weight in stage.tasks.items() if weight > 0 and task not in by_task):
        raise DatasetError(
            f"training set {pairs.name!r} has no pair of {', '.join(missing)}; it has {', '.join(by_task)}"
        )
    return by_task


def _shuffled(part: Part, count: int, key: str) -> NDArray[np.int64]:
    """`count` positions, epoch after epoch, each a permutation of its own."""
    epochs = -(-count // len(part.positions))
    orders = np.broadcast_to(part.positions, (epochs, len(part.positions)))
    return generator(0, key, "order", part.set, part.task).permuted(orders, axis=1).reshape(-1)[:count]


@numba.njit(cache=True, nogil=True)
def _mix(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    first: NDArray[np.int64],
    shares: NDArray[np.float64],
    steps: int,
    batch_size: int,
    part: NDArray[np.int16],
) -> None:
    """Fills `part` with the part of each draw. first: index of each set's first part, and their number."""
    owed, owed_part = np.zeros(len(start)), np.zeros(len(shares))
    for place in range(len(part)):
        progress = min(place // batch_size, steps - 1) / max(steps - 1, 1)
        chosen = -1
        for number in range(len(start)):
            share = start[number] + progress * (end[number] - start[number])
            owed[number] += share
            if share > 0.0 and (chosen < 0 or owed[number] > owed[chosen]):
                chosen = number
        owed[chosen] -= 1.0
        best = first[chosen]
        for number in range(first[chosen], first[chosen + 1]):
            owed_part[number] += shares[number]
            if owed_part[number] > owed_part[best]:
                best = number
        owed_part[best] -= 1.0
        part[place] = best
