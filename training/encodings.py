"""What the frozen encoders make of a batch, and what is kept of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from degradations.rng import generator
from schemas.recipe.training import DataSection
from training.data.batches import Batch
from training.editors.base import Condition, Editor, Posterior, Request
from training.tensor_cache import Key, TensorCache

#: The two pictures of a sample, as files of latents name them.
PICTURES = ("clean", "degraded")
#: Conditions of prompts without a picture that are held in memory.
_HELD = 64


class Encoded(NamedTuple):
    """Latents (B, C, h, w) sampled from the posteriors, and the condition, on the editor's device.

    degraded: zeros where the reference is dropped.
    """

    clean: Tensor
    degraded: Tensor
    condition: Condition


class Encoder:
    """Encodes batches with the frozen encoders of an editor; keeps what comes again in the recipe's `data.cache`.

    What is kept is found by the encoders' identity and the sample's (content, size, mirror, prompt), never by position.
    Pictures pass the autoencoder one by one, so latents depend on nothing beside them and are equal with and without a
    cache; their noise is keyed by `key` (the seed and the stage's name) and place. Conditions of prompts without a
    picture are also held in memory.

    Raises RecipeError when the cache's folder cannot be used.
    """

    def __init__(self, editor: Editor, data: DataSection, key: str) -> None:
        self.cache = TensorCache(Path(data.cache).expanduser()) if data.cache else None
        self.editor, self._key, self._keeps_latents = editor, key, data.cache_latents
        self._prompts: OrderedDict[Key, Condition] = OrderedDict()

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Encoded:
        conditions = self.conditions(batch.requests, batch.identities)
        clean, degraded = [], []
        for row, (place, identity) in enumerate(zip(batch.places, batch.identities, strict=True)):
            rng = generator(0, self._key, "posterior", place)
            of_clean, of_degraded = self.posteriors(batch.clean[row], batch.degraded[row], identity)
            clean.append(_sampled(of_clean, rng))
            degraded.append(_sampled(of_degraded, rng))
        reference = torch.cat(degraded)
        dropped = ~batch.reference.to(reference.device)[:, None, None, None]
        return Encoded(torch.cat(clean), reference.masked_fill(dropped, 0.0), self.editor.collate(conditions))

    @torch.no_grad()
    def conditions(self, requests: Sequence[Request], identities: Sequence[str | None]) -> list[Condition]:
        """The condition of each request, on the editor's device; those that are nowhere kept are made in one call.

        identities: of the samples that the pictures belong to; None for one that never comes again.
        """
        keys = [self._condition_key(*each) for each in zip(requests, identities, strict=True)]
        kept = {key: found for key in dict.fromkeys(keys) if key and (found := self._kept(key)) is not None}
        missing: dict[Key | int, int] = {key or row: row for row, key in enumerate(keys) if key not in kept}
        made = self.editor.encode_requests([requests[row] for row in missing.values()]) if missing else []
        fresh = dict(zip(missing, made, strict=True))
        for key, condition in fresh.items():
            if not isinstance(key, int):
                self._keep(key, condition)
        conditions = [kept[key] if key and key in kept else fresh[key or row] for row, key in enumerate(keys)]
        return [{name: tensor.to(self.editor.device) for name, tensor in each.items()} for each in conditions]

    @torch.no_grad()
    def posteriors(self, clean: Tensor, degraded: Tensor, identity: str | None) -> tuple[Posterior, Posterior]:
        """The posteriors (1, C, h, w) of a sample's pictures (3, H, W), on the editor's device: clean, degraded."""
        cache = self.cache if self._keeps_latents and identity is not None else None
        shape = (1, *self.editor.latent_shape(*clean.shape[1:]))
        key = self._latents_key(identity) if cache else ()
        kept = cache.get(key, fits=lambda tensors: _are_posteriors(tensors, shape)) if cache else None
        if kept is not None:
            here = {name: tensor.to(self.editor.device) for name, tensor in kept.items()}
            of_clean, of_degraded = (Posterior(here[which], here.get(f"{which}_deviation")) for which in PICTURES)
            return of_clean, of_degraded
        of_clean, of_degraded = self.editor.encode(clean[None]), self.editor.encode(degraded[None])
        if cache:
            cache.put(key, _as_tensors(of_clean, of_degraded))
        return of_clean, of_degraded

    def has(self, requests: Sequence[Request], identity: str, latents: bool) -> bool:
        """Whether the cache has a file for each of these requests about a sample, and for its latents if they are
        asked for.
        """
        keys = [self._condition_key(request, identity) for request in requests]
        if latents:
            keys.append(self._latents_key(identity))
        return self.cache is not None and all(key is not None and self.cache.has(key) for key in keys)

    def _condition_key(self, request: Request, identity: str | None) -> Key | None:
        """What a condition depends on; None where it never comes again."""
        if request.picture is None or not self.editor.sees_picture:
            return ("condition", *self._encoders(), request.prompt)
        return None if identity is None else ("condition", *self._encoders(), request.prompt, identity)

    def _latents_key(self, identity: str | None) -> Key:
        return ("latents", *self._encoders(), str(identity))

    def _encoders(self) -> Key:
        """Whose encodings, and how they are computed."""
        return self.editor.identity, self.editor.device.type, torch.get_float32_matmul_precision()

    def _kept(self, key: Key) -> Condition | None:
        if key in self._prompts:
            self._prompts.move_to_end(key)
            return self._prompts[key]
        found = self.cache.get(key) if self.cache else None
        if found is not None:
            self._remember(key, found)
        return found

    def _keep(self, key: Key, condition: Condition) -> None:
        self._remember(key, condition)
        if self.cache:
            self.cache.put(key, condition)

    def _remember(self, key: Key, condition: Condition) -> None:
        if len(key) == len(("condition", *self._encoders(), "prompt")):
            self._prompts[key] = {name: tensor.cpu() for name, tensor in condition.items()}
            if len(self._prompts) > _HELD:
                self._prompts.popitem(last=False)


def _sampled(posterior: Posterior, rng: np.random.Generator) -> Tensor:
    noise = rng.standard_normal(posterior.mean.shape[1:], dtype=np.float32)
    return posterior.sample(torch.from_numpy(noise)[None].to(posterior.mean))


def _as_tensors(*posteriors: Posterior) -> dict[str, Tensor]:
    tensors = {}
    for which, posterior in zip(PICTURES, posteriors, strict=True):
        tensors[which] = posterior.mean
        if posterior.deviation is not None:
            tensors[f"{which}_deviation"] = posterior.deviation
    return tensors


def _are_posteriors(tensors: Mapping[str, Tensor], shape: Sequence[int]) -> bool:
    deviations = {f"{which}_deviation" for which in PICTURES}
    named = tensors.keys() in (set(PICTURES), {*PICTURES, *deviations})
    return named and all(
        tensor.shape == torch.Size(shape) and tensor.is_floating_point() for tensor in tensors.values()
    )
