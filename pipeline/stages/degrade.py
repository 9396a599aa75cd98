"""Make the degraded image."""

from __future__ import annotations

from degradations.chain import apply_chain, draw_chain, needed_cues, task_of
from pipeline.dataset import code_version
from pipeline.scenes import bare_scene, trace_cues, with_cues
from pipeline.stages.stage import ItemStage
from pipeline.unit import Item
from schemas.recipe import Recipe
from schemas.trace import Trace


class Degrade(ItemStage):
    """Draws the parameters of the planned degradation or chain, applies them and keeps both in the trace."""

    name = "degrade"

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._fingerprint = recipe.fingerprint()
        self._code_version = code_version()

    def process(self, item: Item) -> None:
        row, clean = item.row, item.clean
        assert clean is not None
        section = self._recipe.degradations
        scene = bare_scene(clean, section.patterns)
        steps = draw_chain([row.degradation], section, scene, row.severity, self._recipe.seed, row.sample_key)
        needs = needed_cues(steps)
        scene = with_cues(scene, clean, needs)
        item.degraded = apply_chain(clean, steps, scene)
        item.task = task_of(row.degradation, section)
        item.trace = Trace(
            sample_key=row.sample_key,
            source_sha256=row.sha256,
            recipe_fingerprint=self._fingerprint,
            code_version=self._code_version,
            cues=trace_cues(scene, needs),
            steps=steps,
        )
