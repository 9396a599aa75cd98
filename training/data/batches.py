"""Batches of a stage, by step: equal for every number of processes, resumable at any step."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import grain
import numpy as np
import torch
from torch import Tensor

from schemas.errors import DatasetError, RecipeError
from schemas.recipe.training import StageSection, TrainingSection
from training.data.dealing import Dealt
from training.data.fits import bucket_of, buckets
from training.data.groups import Groups, by_size, singles
from training.data.mixing import Draws, draws
from training.data.pairs import PairSet, Pixels
from training.data.samples import Replaced, Sample, Samples
from training.editors.base import Request
from training.families.buckets import Size

#: Samples at the start of a stage of which most must be usable.
_FIRST = 100


@dataclass(frozen=True)
class Batch:
    """One microbatch: pictures of one size that pass the editor together.

    degraded_pixels, clean_pixels: uint8 (H, W, 3) each. reference: bool (B,), False where the reference is dropped.
    places: the sample's place in the stage's sequence of draws; every random choice about a sample is keyed by it.
    identities: names of the images as they are here, KEY-DIGEST/HxW/m0 (m1 where mirrored); None where a sample never
    comes again alike. replaced: the places whose drawn pair could not be used.
    """

    degraded_pixels: Sequence[Pixels]
    clean_pixels: Sequence[Pixels]
    requests: list[Request]
    reference: Tensor
    tasks: list[str]
    places: list[int]
    identities: list[str | None]
    replaced: list[Replaced]

    @cached_property
    def degraded(self) -> Tensor:
        """float32 (B, 3, H, W) in [0, 1]; made when first asked for, as batches wait in a quarter of the memory."""
        return to_tensor(self.degraded_pixels)

    @cached_property
    def clean(self) -> Tensor:
        """float32 (B, 3, H, W) in [0, 1]; made when first asked for."""
        return to_tensor(self.clean_pixels)


def to_tensor(images: Sequence[np.ndarray]) -> Tensor:
    """uint8 (H, W, 3) images of one size as float32 (B, 3, H, W) in [0, 1]."""
    out = torch.empty(len(images), 3, *images[0].shape[:2])
    for row, image in zip(out, images, strict=True):
        row.copy_(torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1))
    return out.div_(255.0)


class Drawn(NamedTuple):
    """What a stage takes. groups: of each global batch, in the order of the steps; without end where sizes differ."""

    draws: Draws
    samples: Samples
    groups: Iterator[Groups]


def drawn(
    sets: Mapping[str, PairSet], stage: StageSection, training: TrainingSection, key: str, together: int
) -> Drawn:
    """The samples of a stage, and which of them are of one step. together: samples of one size that pass the editor at
    once, where data.fit is `bucket`; else it is not looked at. `key`: the seed and the stage's name.

    Raises what `draws` does, and RecipeError when there is no bucket.
    """
    data, crop = training.data, training.crop
    bucketed = data.fit == "bucket"
    ahead = (together - 1) * len(buckets(crop)) if bucketed else 0
    sequence = draws(sets, stage, key, ahead)
    samples = Samples(sets, sequence, data, key)
    square = Size(crop, crop)

    def size_of(place: int) -> Size:
        return bucket_of(*(samples.size(place) or square), crop)

    groups = (
        by_size(size_of, together, stage.batch_size) if bucketed else singles(square, stage.steps, stage.batch_size)
    )
    return Drawn(sequence, samples, groups)


def batches(
    sets: Mapping[str, PairSet], stage: StageSection, training: TrainingSection, key: str, rank: int = 0, world: int = 1
) -> grain.IterDataset[list[Batch]]:
    """The microbatches of process `rank` of `world` for each optimizer step; the iterator's state is the next step.

    The global batch of a step holds the same samples whatever `world` is, and with data.fit `bucket` the same
    microbatches. `key`: the seed and the stage's name.

    Raises RecipeError when the batch size is no multiple of `world` (times the microbatch), or a recipe names a set
    that is not given; DatasetError when a set lacks what the stage asks. Iterating raises DatasetError when most of the
    process's first 100 samples, or all pairs tried for one, cannot be used.
    """
    together = stage.microbatch or stage.batch_size // world
    if stage.batch_size % (world * max(together, 1)):
        times = f" times microbatch {stage.microbatch}" if stage.microbatch else ""
        raise RecipeError(f"batch_size {stage.batch_size} is no multiple of the {world} processes{times}; change it")
    sequence, samples, step_groups = drawn(sets, stage, training, key, together)
    dealt = Dealt(step_groups, sequence.part, rank, world)
    health = _Health()
    share = stage.batch_size // world
    readers = training.data.readers

    def load(number: int) -> Sample:
        step, within = divmod(number, share)
        sizes, places = dealt[step]
        sample = samples.load(int(places.flat[within]), sizes[within // places.shape[1]])
        health.note(number, sample.replaced)
        return sample

    # Threads share the samples of a step, and one step waits ahead of the one in use.
    options = grain.ReadOptions(num_threads=readers, prefetch_buffer_size=max(share, readers))
    loaded = grain.MapDataset.range(stage.steps * share).map(load).to_iter_dataset(options)
    return _Steps(loaded, share, together)


class _Steps(grain.IterDataset[list[Batch]]):
    """Samples by step: `share` to a step, `together` to a microbatch."""

    def __init__(self, samples: grain.IterDataset[Sample], share: int, together: int) -> None:
        super().__init__(samples)
        self._share, self._together = share, together

    def __iter__(self) -> grain.DatasetIterator[list[Batch]]:
        return _StepsIterator(iter(self._parent), self._share, self._together)


class _StepsIterator(grain.DatasetIterator[list[Batch]]):
    def __init__(self, samples: grain.DatasetIterator[Sample], share: int, together: int) -> None:
        super().__init__(samples)
        self._share, self._together = share, together

    def __next__(self) -> list[Batch]:
        # Ends only between two steps: there are whole steps of samples.
        return [
            _collate([next(self._parent) for _ in range(self._together)]) for _ in range(self._share // self._together)
        ]

    def get_state(self) -> dict[str, Any]:
        return {"next_index": self._parent.get_state()["next_index"] // self._share}

    def set_state(self, state: dict[str, Any]) -> None:
        self._parent.set_state({"next_index": state["next_index"] * self._share})


def _collate(samples: Sequence[Sample]) -> Batch:
    return Batch(
        degraded_pixels=[sample.degraded for sample in samples],
        clean_pixels=[sample.clean for sample in samples],
        requests=[sample.request for sample in samples],
        reference=torch.tensor([sample.reference for sample in samples]),
        tasks=[sample.task for sample in samples],
        places=[sample.place for sample in samples],
        identities=[sample.identity for sample in samples],
        replaced=[sample.replaced for sample in samples if sample.replaced is not None],
    )


class _Health:
    """Refuses a stage most of whose first samples cannot be used."""

    def __init__(self) -> None:
        self._replaced: dict[int, Replaced] = {}
        self._lock = threading.Lock()

    def note(self, number: int, replaced: Replaced | None) -> None:
        """Takes down sample `number` of this process, counted from the start of the stage."""
        if replaced is None or number >= _FIRST:
            return
        with self._lock:
            self._replaced[number] = replaced
            if len(self._replaced) > _FIRST // 2:
                reasons = sorted({each.reason for each in self._replaced.values()})
                raise DatasetError(
                    f"more than half of the first {_FIRST} samples cannot be used; make the datasets again\n"
                    + "\n".join(f"  {reason}" for reason in reasons[:20])
                )
