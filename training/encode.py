"""Filling the cache of encodings before a run: every sample of its sets once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import grain
import numpy as np
import torch
from torch import nn

from schemas.errors import DatasetError, RecipeError
from schemas.recipe.training import TrainingSection
from training.editors import build_editor
from training.editors.base import Editor, EditorConfig, Request
from training.encodings import Encoder
from training.variants import Entry, Variant, Variants

#: Pairs that the estimate of the room is made from.
_PROBES = 4
#: Stands for a picture where it only matters that there is one.
_SOME_PICTURE = np.zeros((1, 1, 3), np.uint8)

#: What became of a pair: encoded, complete in the cache already, or it cannot be used.
Outcome = Literal["encoded", "found", "unusable"]


class Loaded(NamedTuple):
    """What is to be encoded of a pair, and what is told of it afterwards."""

    outcome: Outcome
    variants: list[Variant]


class Filling:
    """The encodings that the stages of a recipe ask of its cache, those of all processes.

    What training changes is neither read nor given memory. `entries`: the pairs.

    Raises RecipeError when the recipe names no cache or one that cannot be used, and what opening sets (see `Variants`)
    and editor raises.
    """

    def __init__(self, training: TrainingSection, seed: int, device: torch.device) -> None:
        self._data = training.data
        if not self._data.cache:
            raise RecipeError("training.data.cache: empty, so there is nothing to fill; name a folder")
        self._variants = Variants(training)
        self.entries = self._variants.entries
        self._editor = without_weights(build_editor(EditorConfig.of(training), seed), device)
        self._encoder = Encoder(self._editor, self._data, "")

    @property
    def samples(self) -> int:
        """Pairs, each as often as it is mirrored or not."""
        return sum(len(self._variants.mirrors(entry)) for entry in self.entries)

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
        chosen = np.linspace(0, len(self.entries) - 1, min(_PROBES, len(self.entries))).round().astype(int)
        each: list[int] = []
        shared: dict[str, int] = {}
        reason = ""
        for entry in (self.entries[int(place)] for place in chosen):
            try:
                (variant,) = self._variants.load(entry, [False])
            except DatasetError as error:
                reason = str(error)
                continue
            each.append(self._latent_bytes(apart, variant))
            conditions = apart.conditions(variant.requests, [None] * len(variant.requests))
            for request, condition in zip(variant.requests, conditions, strict=True):
                size = sum(tensor.nbytes for tensor in condition.values())
                if self._is_shared(request):
                    shared[request.prompt] = size
                else:
                    each[-1] += size
        if not each:
            raise DatasetError(f"none of {len(chosen)} samples can be encoded; {reason}")
        prompts = {prompt for entry in self.entries for prompt in self._variants.prompts(entry)}
        of_prompts = np.mean(list(shared.values())) * len(prompts) if shared else 0.0
        return round(float(np.mean(each)) * self.samples + float(of_prompts))

    def fill(self, rank: int = 0, world: int = 1) -> Iterator[Outcome]:
        """Encodes what is not in the cache yet, a pair after the other, and tells what became of each.

        Process `rank` of `world` takes every world-th pair. Raises RecipeError when the cache cannot be written.
        """
        _ = self._editor.identity  # worked out once, before threads ask for it
        mine = self.entries[rank::world]
        if not mine:
            return
        threads = self._data.readers
        options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=2 * threads)
        for loaded in grain.MapDataset.source(mine).map(self._missing).to_iter_dataset(options):
            for variant in loaded.variants:
                self._encoder.conditions(variant.requests, [variant.identity] * len(variant.requests))
                if self._data.cache_latents:
                    clean, degraded = variant.pixels()
                    self._encoder.posteriors(clean, degraded, variant.identity)
            yield loaded.outcome

    def _missing(self, entry: Entry) -> Loaded:
        """The samples of a pair of which something is not in the cache."""
        variants = self._variants
        requests = variants.requests(entry, _SOME_PICTURE)
        try:
            size = variants.size(entry)
            mirrors = [
                mirrored
                for mirrored in variants.mirrors(entry)
                if not self._encoder.has(requests, variants.identity(entry, size, mirrored))
            ]
            return Loaded("encoded", variants.load(entry, mirrors)) if mirrors else Loaded("found", [])
        except DatasetError:
            return Loaded("unusable", [])

    def _is_shared(self, request: Request) -> bool:
        """Whether its condition serves every sample with this prompt."""
        return request.picture is None or not self._editor.sees_picture

    def _latent_bytes(self, encoder: Encoder, variant: Variant) -> int:
        if not self._data.cache_latents:
            return 0
        posteriors = encoder.posteriors(*variant.pixels(), None)
        return sum(tensor.nbytes for posterior in posteriors for tensor in posterior if tensor is not None)


def without_weights(editor: Editor, device: torch.device) -> Editor:
    """The editor with its frozen encoders alone, which load to `device`; it cannot predict any more."""
    for module in editor.modules():
        for name, _ in list(module.named_parameters(recurse=False)):
            delattr(module, name)
    editor.register_parameter("place", nn.Parameter(torch.empty(0, device=device), requires_grad=False))
    return editor
