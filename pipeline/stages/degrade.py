"""Make the degraded image."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from degradations.chain import apply_chain, draw_chain, needed_cues, task_of
from degradations.cues.cues import Cues, Wanted
from degradations.scene import Scene
from pipeline.dataset import code_version
from pipeline.partners import read_partner
from pipeline.scenes import bare_scene, trace_cues, with_cues
from pipeline.stages.stage import ItemStage
from pipeline.unit import Item
from schemas.recipe import Recipe
from schemas.trace import Step, Trace


class Degrade(ItemStage):
    """Draws the parameters of the planned degradation or chain, applies them and keeps both in the trace.

    sources: how many neighbouring sources are best looked at together. Raises RecipeError when a model that the recipe
    names for depth or masks cannot be used.
    """

    name = "degrade"

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._fingerprint = recipe.fingerprint()
        self._code_version = code_version()
        self._cues = Cues(recipe.cues)
        self._cues.load()  # a model that cannot be used ends the run here, not every row of it
        self.sources = self._cues.batch

    def foresee(self, items: Sequence[Item]) -> None:
        """Estimates in one batch what the items need of depth and masks, where that is faster.

        If it fails, each item estimates its own and fails, or not, by itself.
        """
        if self.sources == 1:
            return
        with contextlib.suppress(Exception):
            wanted = [
                Wanted(item.clean, needed_cues(self._drawn(item)[1]), item.row.sha256)
                for item in items
                if item.clean is not None and not item.ended
            ]
            self._cues.of(wanted)

    def process(self, item: Item) -> None:
        row, clean = item.row, item.clean
        assert clean is not None
        section = self._recipe.degradations
        scene, steps = self._drawn(item)
        needs = needed_cues(steps)
        scene = with_cues(scene, clean, needs, self._cues, row.sha256)
        item.degraded = apply_chain(clean, steps, scene)
        item.task = task_of(row.degradation, section)
        item.trace = Trace(
            sample_key=row.sample_key,
            source_sha256=row.sha256,
            recipe_fingerprint=self._fingerprint,
            code_version=self._code_version,
            cues=trace_cues(scene, needs, row.partner_sha256),
            steps=steps,
        )

    def _drawn(self, item: Item) -> tuple[Scene, list[Step]]:
        """The scene without cues, and the steps with their parameters."""
        row, section = item.row, self._recipe.degradations
        assert item.clean is not None
        partner = None
        if row.partner_uri:
            partner = read_partner(row.partner_uri, row.partner_sha256, self._recipe.decode.max_pixels)
        scene = bare_scene(item.clean, section.patterns, partner, item.clip)
        return scene, draw_chain([row.degradation], section, scene, row.severity, self._recipe.seed, row.sample_key)
