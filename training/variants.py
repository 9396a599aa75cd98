"""Every sample that a training asks for, as training meets it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from torch import Tensor

from schemas.errors import DamagedError, RecipeError
from schemas.recipe.training import TrainingSection
from schemas.source import Split
from schemas.tasks import TASKS
from training.data.batches import drawn, to_tensor
from training.data.fits import bucket_of, middle
from training.data.identity import identity_of
from training.data.pairs import PairSet, PixelCache, Pixels
from training.data.samples import Asked
from training.data.sets import named_sets, open_validation_sets, validation_positions
from training.editors.base import Request
from training.families.buckets import Size


class Entry(NamedTuple):
    """A pair of a set, of its training or its validation split."""

    set: str
    position: int
    split: Split


class Variant(NamedTuple):
    """A sample: its pictures, and the requests that come with them. identity: as in `training.data.batches`. latents:
    whether they are asked for.
    """

    identity: str
    clean: Pixels
    degraded: Pixels
    requests: list[Request]
    latents: bool

    def pixels(self) -> tuple[Tensor, Tensor]:
        """Clean and degraded picture, float32 (3, H, W) in [0, 1]."""
        clean, degraded = to_tensor([self.clean, self.degraded])
        return clean, degraded


class Variants:
    """What the stages of a recipe draw, and what validation looks at; of these what comes again alike.

    entries: the pairs of whose samples something can be kept, by split, set and position. prompts: those that are
    encoded without a picture, in alphabetical order. sees_picture: whether the text encoder does. Replacements of pairs
    that cannot be used are not foreseen.

    Raises RecipeError when samples never come again alike or a set has no dataset, and DatasetError as `PairSet` and
    `draws` do.
    """

    def __init__(self, training: TrainingSection, seed: int, sees_picture: bool) -> None:
        self._data, self._crop = training.data, training.crop
        if self._data.fit == "crop":
            raise RecipeError(
                "training.data.fit: with 'crop' no sample comes again alike, so none is kept; set fit: square or bucket"
            )
        kept, datasets = PixelCache(0), training.datasets
        trained = {name: PairSet.open(name, datasets[name], "train", kept) for name in named_sets(training, datasets)}
        validated = open_validation_sets(training, datasets)
        self._pairs = {(name, pairs.split): pairs for name, pairs in trained.items()}
        self._pairs |= {(pairs.name, pairs.split): pairs for pairs in validated}
        alone: set[str] = set()
        wanted: dict[Entry, dict[bool, set[str]]] = {}
        for entry, asked in (*_drawn(training, seed, trained), *_validated(training, validated)):
            shown = asked.picture and sees_picture
            if not shown:
                alone.add(asked.prompt)
            if not asked.styled and (shown or self.keeps_latents(entry)):
                prompts = wanted.setdefault(entry, {}).setdefault(asked.mirrored, set())
                prompts |= {asked.prompt} if shown else set()
        self.prompts = sorted(alone)
        self._wanted = {
            entry: {mirrored: sorted(prompts) for mirrored, prompts in sorted(wanted[entry].items())}
            for entry in sorted(wanted, key=lambda entry: (entry.split, entry.set, entry.position))
        }
        self.entries = list(self._wanted)

    def keeps_latents(self, entry: Entry) -> bool:
        """Whether latents of the pair's samples are kept; validation makes its own."""
        return self._data.cache_latents and entry.split == "train"

    def wanted(self, entry: Entry) -> Mapping[bool, Sequence[str]]:
        """For the pair's sample as it is (False) and mirrored (True), where it is asked for: the prompts that the text
        encoder sees with its picture.
        """
        return self._wanted[entry]

    def load(self, entry: Entry, mirrors: Sequence[bool]) -> list[Variant]:
        """A pair's sample for each of `mirrors`, which are asked for. Raises what `PairSet` does."""
        pair, size = self._pair_set(entry)[entry.position], self.size(entry)
        clean, degraded = middle(pair.clean, size), middle(pair.degraded, size)
        variants = []
        for mirrored in mirrors:
            step = -1 if mirrored else 1
            target, shown = (np.ascontiguousarray(image[:, ::step]) for image in (clean, degraded))
            requests = [Request(prompt, shown) for prompt in self._wanted[entry][mirrored]]
            identity = self.identity(entry, size, mirrored)
            variants.append(Variant(identity, target, shown, requests, self.keeps_latents(entry)))
        return variants

    def size(self, entry: Entry) -> Size:
        """Of the sample's pictures. Raises DamagedError where it depends on an image whose header cannot be read."""
        if self._data.fit == "square":
            return Size(self._crop, self._crop)
        size = self._pair_set(entry).size(entry.position)
        if size is None:
            key = self._pair_set(entry).keys[entry.position]
            raise DamagedError(
                f"training set {entry.set!r}: the degraded image of sample {key} cannot be read; make the dataset again"
            )
        return bucket_of(size.height, size.width, self._crop)

    def identity(self, entry: Entry, size: Size, mirrored: bool) -> str:
        """The sample's name in caches."""
        pairs = self._pair_set(entry)
        return identity_of(pairs.keys[entry.position], pairs.digests[entry.position], size, mirrored)

    def _pair_set(self, entry: Entry) -> PairSet:
        return self._pairs[entry.set, entry.split]


def _drawn(training: TrainingSection, seed: int, sets: Mapping[str, PairSet]) -> Iterator[tuple[Entry, Asked]]:
    """What the stages draw; of samples that are alike in all, each."""
    for name, stage in training.stages.items():
        _, samples, groups = drawn(sets, stage, training, f"{seed}/{name}", stage.microbatch)
        for step in islice(groups, stage.steps):
            for place in step.places.flat:
                asked = samples.asked(int(place))
                yield Entry(asked.set, asked.position, "train"), asked


def _validated(training: TrainingSection, sets: Iterable[PairSet]) -> Iterator[tuple[Entry, Asked]]:
    """What validation looks at: each sample with its prompt and, where guidance samples it, with none."""
    section = training.validation
    seen: set[str] = set()
    for pairs in sets:
        for degradation, positions in validation_positions(pairs, section.samples).items():
            sampled = len(positions) if section.score == "gain" else 0
            if degradation not in seen and len(seen) < section.pictures:
                sampled = max(sampled, 1)  # the first is shown
            seen.add(degradation)
            for number, position in enumerate(positions):
                guided = section.guidance != 1.0 and number < sampled
                for prompt in (TASKS[pairs.tasks[position]].en, *([""] if guided else [])):
                    entry = Entry(pairs.name, position, pairs.split)
                    yield entry, Asked(pairs.name, position, False, False, prompt, True)
