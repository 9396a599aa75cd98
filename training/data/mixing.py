"""Which pair is drawn when: shares by set and by task, no repetition before a task's pairs are exhausted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import grain

from schemas.errors import DatasetError, RecipeError
from schemas.recipe.training import StageSection
from training.data.pairs import PairSet


class Draw(NamedTuple):
    """One draw: the set's name and the pair's position in it."""

    set: str
    position: int


def draws(sets: Mapping[str, PairSet], stage: StageSection, key: str) -> grain.MapDataset[Draw]:
    """The endless sequence of draws of a stage, by index.

    Sets come in the shares of `stage.weights`, tasks within a set in those of `stage.tasks` (equal shares if empty);
    grain's mix spreads them evenly, so every stretch of the sequence has the shares. The pairs of one task of one set
    come in a new shuffled order each epoch. `key` (the seed and the stage's name) keys the shuffles.

    Raises RecipeError when a set of the stage was not given and DatasetError when a set has no pair of a task asked.
    """
    parts, shares = [], []
    for name, weight in stage.weights.items():
        if weight == 0:
            continue
        if name not in sets:
            raise RecipeError(f"weights.{name}: no such set of shards; given: {', '.join(sets) or 'none'}")
        parts.append(_tasks(sets[name], stage, f"{key}/{name}"))
        shares.append(weight)
    return grain.MapDataset.mix(parts, shares)


def _tasks(pairs: PairSet, stage: StageSection, key: str) -> grain.MapDataset[Draw]:
    by_task = pairs.positions_by_task()
    weights = {task: w for task, w in (stage.tasks or dict.fromkeys(by_task, 1.0)).items() if w > 0}
    missing = weights.keys() - by_task.keys()
    if missing:
        raise DatasetError(
            f"training set {pairs.name!r} has no pair of {', '.join(sorted(missing))}; it has {', '.join(by_task)}"
        )
    parts = [
        grain.MapDataset.source([Draw(pairs.name, position) for position in by_task[task]])
        .shuffle(seed=_seed(f"{key}/{task}"))
        .repeat()
        for task in weights
    ]
    return grain.MapDataset.mix(parts, list(weights.values()))


def _seed(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "little")
