"""Batches of crops, by index: equal for every number of processes, resumable at any one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import grain
import numpy as np
import torch
from torch import Tensor

from degradations.rng import generator
from schemas.errors import RecipeError
from schemas.recipe.training import StageSection
from schemas.tasks import TASKS
from training.data.crops import random_crop
from training.data.mixing import Draw, draws
from training.data.pairs import Pair, PairSet
from training.editors.base import Request


@dataclass(frozen=True)
class Batch:
    """The slice of a global batch that one process trains on.

    degraded, clean: float32 (B, 3, S, S) in [0, 1]. places: the sample's place in the stage's sequence of draws; every
    random choice about a sample is keyed by it.
    """

    degraded: Tensor
    clean: Tensor
    requests: list[Request]
    tasks: list[str]
    places: list[int]


def to_tensor(images: list[np.ndarray]) -> Tensor:
    """uint8 (H, W, 3) images of one size as float32 (B, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous().float() / 255.0


def batches(
    sets: Mapping[str, PairSet], stage: StageSection, crop: int, key: str, rank: int = 0, world: int = 1
) -> grain.IterDataset[Batch]:
    """The batches of process `rank` of `world`; its iterator's state is the index of the next batch.

    Global batch i holds draws i·B … (i+1)·B − 1, whatever `world` is. Which process takes which of them is shuffled,
    so that no task falls to one process. `key`: the seed and the stage's name.

    Raises RecipeError when the batch size is no multiple of `world`.
    """
    if stage.batch_size % world:
        raise RecipeError(f"batch_size {stage.batch_size} is no multiple of the {world} processes; change either")
    share = stage.batch_size // world

    def load(index: int, drawn: list[Draw]) -> Batch:
        order = generator(0, key, "order", index).permutation(len(drawn))[rank * share : (rank + 1) * share]
        places = [index * len(drawn) + int(place) for place in order]
        pairs = [sets[drawn[place].set][drawn[place].position] for place in order]
        return _collate(pairs, places, crop, key)

    sequence = draws(sets, stage, key).batch(stage.batch_size, drop_remainder=True, batch_fn=list)
    options = grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)
    return sequence.map_with_index(load).to_iter_dataset(options)


def _collate(pairs: list[Pair], places: list[int], crop: int, key: str) -> Batch:
    crops = [
        random_crop(pair, crop, generator(0, key, "crop", place)) for pair, place in zip(pairs, places, strict=True)
    ]
    return Batch(
        degraded=to_tensor([cut.degraded for cut in crops]),
        clean=to_tensor([cut.clean for cut in crops]),
        requests=[Request(TASKS[pair.task].en, cut.whole) for pair, cut in zip(pairs, crops, strict=True)],
        tasks=[pair.task for pair in pairs],
        places=places,
    )
