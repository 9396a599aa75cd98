"""Make, or find, the clean reference of a photograph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from filters.decode_errors import DecodeError
from filters.decoding import decode
from filters.policy import decide_photograph
from filters.scoring import score_source
from pipeline.encoding import encode_lossless
from pipeline.harvest.generators.contract import Image, ReferenceGenerator, Request
from pipeline.harvest.photograph import fitted, size_scores
from pipeline.harvest.references import ReferenceStore
from pipeline.stages.stage import ItemStage
from pipeline.unit import Item
from schemas.recipe import Recipe
from schemas.tasks import TASKS
from schemas.trace import Cue, Trace


class MakeReference(ItemStage):
    """Gives a photograph its reference, fitted to its size, and `reference.*` scores; kept ones are not made again.

    A photograph that a rule on itself speaks against gets none, unless the recipe wants references of all. A generator
    that fails, or has none, costs a row its reference, which the next run tries again.
    """

    name = "reference"

    def __init__(
        self, recipe: Recipe, generator: ReferenceGenerator | None, store: ReferenceStore, code_version: str
    ) -> None:
        self._recipe, self._generator, self._store = recipe, generator, store
        self._fingerprint, self._code_version = recipe.fingerprint(), code_version
        self._made: dict[str, Image | Exception] = {}

    def foresee(self, items: Sequence[Item]) -> None:
        self._made = {}
        if self._generator is None:
            return
        wanted = [item for item in items if self._wants(item)]
        missing = []
        for item in wanted:
            try:
                kept = decode(self._store.read(item.row.sample_key), self._recipe.decode.max_pixels)
            except (OSError, DecodeError):
                missing.append(item)
            else:
                self._made[item.row.sample_key] = kept.pixels
        for start in range(0, len(missing), self._generator.batch):
            batch = missing[start : start + self._generator.batch]
            try:
                made = self._generator.generate([self._request(item) for item in batch])
            except Exception as error:
                made = [error] * len(batch)
            for item, one in zip(batch, made, strict=True):
                self._made[item.row.sample_key] = self._kept(item.row.sample_key, one)

    def process(self, item: Item) -> None:
        made = self._made.get(item.row.sample_key)
        if made is None or self._generator is None:
            return
        if isinstance(made, Exception):
            item.error = str(made)
            item.unscored.append(f"reference: {type(made).__name__}: {made}")
            return
        assert item.degraded is not None
        item.scores.update(size_scores(made, item.degraded))
        item.clean = np.ascontiguousarray(fitted(made, item.degraded))
        scores = score_source(item.clean)
        item.scores.update({name.replace("source.", "reference.", 1): value for name, value in scores.items()})
        generator = self._generator
        item.trace = Trace(
            sample_key=item.row.sample_key,
            source_sha256=item.row.sha256,
            recipe_fingerprint=self._fingerprint,
            code_version=self._code_version,
            cues=[Cue(name="reference", provider=generator.provider, version=generator.version)],
        )

    def _kept(self, sample_key: str, made: Image | Exception) -> Image | Exception:
        if isinstance(made, Exception):
            return made
        try:
            self._store.write(sample_key, encode_lossless(made, "png"))
        except OSError as error:  # a reference that is not kept could not be packed later
            return error
        return made

    def _wants(self, item: Item) -> bool:
        if item.ended or not item.row.degradation or item.degraded is None:
            return False
        if self._recipe.harvest.generate == "all":
            return True
        return not decide_photograph(item.scores, item.row.degradation, self._recipe.policy)

    def _request(self, item: Item) -> Request:
        assert item.degraded is not None
        row = item.row
        prompt = self._recipe.harvest.generator.prompts.get(row.degradation, TASKS[row.degradation].en)
        return Request(item.degraded, row.sample_key, row.uri, row.degradation, prompt)
