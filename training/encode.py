"""Filling the cache of encodings before a run: every sample that it asks for once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import grain
import numpy as np
import torch
from torch import nn

from schemas.errors import DamagedError, DatasetError, RecipeError
from schemas.recipe.training import TrainingSection
from training.editors import build_editor
from training.editors.base import Condition, Editor, EditorConfig, Request
from training.encodings import Encoder
from training.variants import Entry, Variant, Variants

#: Pairs that the estimate of the room is made from.
_PROBES = 4
#: Stands for a picture where it only matters that there is one.
_SOME_PICTURE = np.zeros((1, 1, 3), np.uint8)

Listed = TypeVar("Listed")

#: What became of a pair: encoded, complete in the cache already, or it cannot be used.
Outcome = Literal["encoded", "found", "unusable"]


class Loaded(NamedTuple):
    """What is to be encoded of a pair, and what is told of it afterwards."""

    outcome: Outcome
    variants: list[Variant]


class Filling:
    """The encodings that the stages of a recipe ask of its cache, those of all processes.

    What training changes is neither read nor given memory. `entries`: the pairs; `prompts`: those that are encoded by
    themselves, for every sample alike.

    Raises RecipeError when the recipe names no cache or one that cannot be used, and what opening sets (see `Variants`)
    and editor raises.
    """

    def __init__(self, training: TrainingSection, seed: int, device: torch.device) -> None:
        self._data = training.data
        if not self._data.cache:
            raise RecipeError("training.data.cache: empty, so there is nothing to fill; name a folder")
        self._editor = without_weights(build_editor(EditorConfig.of(training), seed), device)
        self._variants = Variants(training, seed, self._editor.sees_picture)
        self.entries, self.prompts = self._variants.entries, self._variants.prompts
        self._encoder = Encoder(self._editor, self._data, "")

    @property
    def samples(self) -> int:
        """Pairs, those twice that come both mirrored and not."""
        return sum(len(self._variants.wanted(entry)) for entry in self.entries)

    @property
    def free_bytes(self) -> int:
        """Room on the cache's disk."""
        return shutil.disk_usage(Path(self._data.cache).expanduser()).free

    @cached_property
    def estimated_bytes(self) -> int:
        """About how much room the whole cache takes, from a few of its samples, which are encoded and not kept.

        Raises DatasetError when none of them can be used.
        """
        apart = Encoder(self._editor, self._data.model_copy(update={"cache": "", "cache_latents": False}), "")
        wanted = [self._variants.wanted(entry) for entry in self.entries]
        asked = sum(len(prompts) for mirrors in wanted for prompts in mirrors.values())
        entries = [entry for entry, mirrors in zip(self.entries, wanted, strict=True) if any(mirrors.values())]
        latents: list[int] = []
        conditions: list[int] = []
        reason = ""
        probes = _spread(entries or self.entries, _PROBES)
        for entry in probes:
            try:
                variants = self._variants.load(entry, list(self._variants.wanted(entry)))
            except DamagedError as error:
                reason = str(error)
                continue
            for variant in variants:
                conditions += _sizes(apart.conditions(variant.requests, [None] * len(variant.requests)))
                if self._data.cache_latents:
                    posteriors = apart.posteriors(*variant.pixels(), None)
                    latents.append(
                        sum(each.nbytes for posterior in posteriors for each in posterior if each is not None)
                    )
        if reason and not (latents or conditions):
            raise DatasetError(f"none of {len(probes)} samples can be encoded; {reason}")
        prompts = _spread(self.prompts, _PROBES)
        alone = _sizes(apart.conditions([Request(prompt, None) for prompt in prompts], [None] * len(prompts)))
        with_latents = sum(
            len(mirrors)
            for entry, mirrors in zip(self.entries, wanted, strict=True)
            if self._variants.keeps_latents(entry)
        )
        counted = ((latents, with_latents), (conditions, asked), (alone, len(self.prompts)))
        return round(sum(float(np.mean(sizes)) * count for sizes, count in counted if sizes))

    def fill(self, rank: int = 0, world: int = 1) -> Iterator[Outcome]:
        """Encodes what is not in the cache yet, prompts, then a pair after the other, and tells what became of each.

        Process `rank` of `world` takes every world-th. Raises RecipeError when the cache cannot be written and
        DatasetError when a shard cannot be read for now.
        """
        _ = self._editor.identity  # worked out once, before threads ask for it
        for prompt in self.prompts[rank::world]:
            self._encoder.conditions([Request(prompt, None)], [None])
        mine = self.entries[rank::world]
        if not mine:
            return
        threads = self._data.readers
        options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=2 * threads)
        for loaded in grain.MapDataset.source(mine).map(self._missing).to_iter_dataset(options):
            for variant in loaded.variants:
                self._encoder.conditions(variant.requests, [variant.identity] * len(variant.requests))
                if variant.latents:
                    clean, degraded = variant.pixels()
                    self._encoder.posteriors(clean, degraded, variant.identity)
            yield loaded.outcome

    def _missing(self, entry: Entry) -> Loaded:
        """The samples of a pair of which something is not in the cache."""
        variants = self._variants
        latents = variants.keeps_latents(entry)
        try:
            size = variants.size(entry)
            mirrors = [
                mirrored
                for mirrored, prompts in variants.wanted(entry).items()
                if not self._encoder.has(
                    [Request(prompt, _SOME_PICTURE) for prompt in prompts],
                    variants.identity(entry, size, mirrored),
                    latents,
                )
            ]
            return Loaded("encoded", variants.load(entry, mirrors)) if mirrors else Loaded("found", [])
        except DamagedError:
            return Loaded("unusable", [])


def _spread(listed: Sequence[Listed], count: int) -> list[Listed]:
    """Up to `count` of what is listed, evenly spread."""
    chosen = np.linspace(0, len(listed) - 1, min(count, len(listed))).round().astype(int)
    return [listed[place] for place in chosen]


def _sizes(conditions: Sequence[Condition]) -> list[int]:
    """In bytes."""
    return [sum(tensor.nbytes for tensor in condition.values()) for condition in conditions]


def without_weights(editor: Editor, device: torch.device) -> Editor:
    """The editor with its frozen encoders alone, which load to `device`; it cannot predict any more."""
    for module in editor.modules():
        for name, _ in list(module.named_parameters(recurse=False)):
            delattr(module, name)
    editor.register_parameter("place", nn.Parameter(torch.empty(0, device=device), requires_grad=False))
    return editor
