"""Say which degradation a photograph shows."""

from __future__ import annotations

from pipeline.stages.stage import ItemStage
from pipeline.unit import Item
from schemas.recipe.harvest import HarvestSection

#: The probability of the degradation that a photograph is taken for.
NAMED = "input.semantics"


class Name(ItemStage):
    """Takes a photograph for the likeliest of the degradations looked for, if the plan did not name one, and for its
    estimated severity. The probability is the score `input.semantics`, 1 where the plan named the degradation; without
    semantic scores there is none.
    """

    name = "name"

    def __init__(self, section: HarvestSection) -> None:
        self._sought = section.degradations

    def process(self, item: Item) -> None:
        row, scores = item.row, item.scores
        likely = {name: scores[f"{NAMED}.{name}"] for name in self._sought if f"{NAMED}.{name}" in scores}
        named = row.degradation or max(likely, key=lambda name: likely[name], default="")
        if not named:
            return
        if row.degradation:
            item.scores[NAMED] = 1.0
        elif likely:
            item.scores[NAMED] = likely[named]
        severity = round(scores.get(f"input.severity.{named}", 0.0), 4)
        item.row = row.model_copy(update={"degradation": named, "severity": severity})
        item.task = named
