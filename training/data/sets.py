"""The sets of pairs that a recipe names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from schemas.errors import RecipeError
from schemas.recipe.training import TrainingSection
from training.data.batches import batches
from training.data.pairs import PairSet, PixelCache

Places = Mapping[str, Sequence[str | Path]]


def named_sets(training: TrainingSection, datasets: Places) -> list[str]:
    """The sets that the stages draw from, in alphabetical order. Raises RecipeError when one has no dataset."""
    named = sorted({name for stage in training.stages.values() for name in stage.sets})
    if missing := [name for name in named if not datasets.get(name)]:
        raise RecipeError(
            f"training.stages: weights name {', '.join(missing)}, the sets are {', '.join(datasets) or 'none'}; "
            "set training.datasets or change the weights"
        )
    return named


def open_sets(training: TrainingSection, datasets: Places, processes: int) -> dict[str, PairSet]:
    """The training pairs of the sets that the stages draw from, which hold what every stage asks.

    Raises RecipeError when one is not given or a batch size cannot be shared by so many processes, DatasetError when a
    set cannot be read or lacks a task or curriculum.
    """
    cache = PixelCache(training.data.memory_mb)
    sets = {name: PairSet.open(name, datasets[name], "train", cache) for name in named_sets(training, datasets)}
    for name, stage in training.stages.items():
        batches(sets, stage, training, name, 0, processes)  # raises; nothing is read before it is iterated
    return sets


def open_validation_sets(training: TrainingSection, datasets: Places) -> list[PairSet]:
    """The validation pairs of these sets; sets of the same folders once."""
    names = named_sets(training, datasets)
    distinct = {tuple(str(place) for place in datasets[name]): name for name in reversed(names)}
    cache = PixelCache(0)
    return [PairSet.open(name, datasets[name], "validation", cache) for name in sorted(distinct.values())]


def validation_positions(pairs: PairSet, samples: int) -> dict[str, list[int]]:
    """Positions of the pairs that validation looks at, by degradation: up to `samples` of each, evenly spread."""
    return {name: _spread(positions, samples) for name, positions in pairs.positions_by_degradation().items()}


def _spread(positions: list[int], count: int) -> list[int]:
    chosen = np.linspace(0, len(positions) - 1, min(count, len(positions))).round().astype(int)
    return [positions[index] for index in chosen]
