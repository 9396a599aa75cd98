"""Every sample that a training can draw, as training meets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from schemas.errors import DatasetError, RecipeError
from schemas.recipe.training import TrainingSection
from schemas.source import Split
from schemas.tasks import TASKS
from training.data.batches import to_tensor
from training.data.fits import bucket_of, middle
from training.data.identity import identity_of
from training.data.pairs import PairSet, PixelCache, Pixels
from training.data.sets import named_sets, open_validation_sets, validation_positions
from training.editors.base import Request
from training.families.buckets import Size


class Entry(NamedTuple):
    """A pair of a set, of its training or its validation split."""

    set: str
    position: int
    split: Split


class Variant(NamedTuple):
    """A sample: its pictures, and the requests that may come with them. identity: as in `training.data.batches`."""

    identity: str
    clean: Pixels
    degraded: Pixels
    requests: list[Request]

    def pixels(self) -> tuple[Tensor, Tensor]:
        """Clean and degraded picture, float32 (3, H, W) in [0, 1]."""
        clean, degraded = to_tensor([self.clean, self.degraded])
        return clean, degraded


class Variants:
    """The pairs that the stages of a recipe draw from, mirrored and not where the recipe mirrors, with every prompt;
    and those that validation looks at.

    entries: the pairs, by set and position.

    Raises RecipeError when samples never come again alike or a set has no dataset, and DatasetError as `PairSet`
    does or where no stage draws from any pair.
    """

    def __init__(self, training: TrainingSection) -> None:
        self._data, self._crop = training.data, training.crop
        if self._data.fit == "crop":
            raise RecipeError(
                "training.data.fit: with 'crop' no sample comes again alike, so none is kept; set fit: square or bucket"
            )
        self._guided = training.validation.guidance != 1.0
        kept, datasets = PixelCache(0), training.datasets
        trained = {name: PairSet.open(name, datasets[name], "train", kept) for name in named_sets(training, datasets)}
        validated = open_validation_sets(training, datasets)
        self._pairs = {(name, pairs.split): pairs for name, pairs in trained.items()}
        self._pairs |= {(pairs.name, pairs.split): pairs for pairs in validated}
        self.entries = [*_drawn(training, trained), *_validated(training, validated)]

    def mirrors(self, entry: Entry) -> tuple[bool, ...]:
        """Whether the pair's sample comes mirrored, or not, or both."""
        return (False, True) if self._data.mirror and entry.split == "train" else (False,)

    def task(self, entry: Entry) -> str:
        """The pair's task."""
        return self._pair_set(entry).tasks[entry.position]

    def load(self, entry: Entry, mirrors: Sequence[bool]) -> list[Variant]:
        """A pair's sample for each of `mirrors`. Raises DatasetError where the pair cannot be used."""
        pair, size = self._pair_set(entry)[entry.position], self.size(entry)
        clean, degraded = middle(pair.clean, size), middle(pair.degraded, size)
        variants = []
        for mirrored in mirrors:
            step = -1 if mirrored else 1
            target, shown = (np.ascontiguousarray(image[:, ::step]) for image in (clean, degraded))
            identity = self.identity(entry, size, mirrored)
            variants.append(Variant(identity, target, shown, self.requests(entry, shown)))
        return variants

    def size(self, entry: Entry) -> Size:
        """Of the sample's pictures. Raises DatasetError where it depends on an image whose header cannot be read."""
        if self._data.fit == "square":
            return Size(self._crop, self._crop)
        size = self._pair_set(entry).size(entry.position)
        if size is None:
            key = self._pair_set(entry).keys[entry.position]
            raise DatasetError(
                f"training set {entry.set!r}: the degraded image of sample {key} cannot be read; make the dataset again"
            )
        return bucket_of(size.height, size.width, self._crop)

    def identity(self, entry: Entry, size: Size, mirrored: bool) -> str:
        """The sample's name in caches."""
        pairs = self._pair_set(entry)
        return identity_of(pairs.keys[entry.position], pairs.digests[entry.position], size, mirrored)

    def requests(self, entry: Entry, picture: Pixels) -> list[Request]:
        """All that may be asked about the pair's sample whose degraded picture this is."""
        dropped = entry.split == "train" and self._data.drop_picture > 0
        pictures = [picture, None] if dropped else [picture]
        return [Request(prompt, shown) for shown in pictures for prompt in self.prompts(entry)]

    def prompts(self, entry: Entry) -> list[str]:
        """The prompts that the pair may have."""
        task = TASKS[self.task(entry)]
        if entry.split == "validation":
            return [task.en, *([""] if self._guided else [])]
        spoken = [getattr(task, language) for language, share in self._data.languages.items() if share > 0]
        return [*spoken, *([""] if self._data.drop_prompt > 0 else [])]

    def _pair_set(self, entry: Entry) -> PairSet:
        return self._pairs[entry.set, entry.split]


def _drawn(training: TrainingSection, sets: Mapping[str, PairSet]) -> list[Entry]:
    """The pairs that any stage draws from, by set and position."""
    entries = set()
    for stage in training.stages.values():
        for name in stage.sets:
            for task, positions in sets[name].positions_by_task(stage.curriculum).items():
                if not stage.tasks or stage.tasks.get(task, 0.0) > 0:
                    entries |= {Entry(name, position, "train") for position in positions}
    if not entries:
        raise DatasetError("no stage draws from any pair; change its tasks or its curriculum, or name other datasets")
    return sorted(entries)


def _validated(training: TrainingSection, sets: Sequence[PairSet]) -> list[Entry]:
    """The pairs that validation looks at."""
    samples = training.validation.samples
    return [
        Entry(pairs.name, position, pairs.split)
        for pairs in sets
        for positions in validation_positions(pairs, samples).values()
        for position in positions
    ]
