"""Score the pair and decide."""

from __future__ import annotations

from filters.policy import decide
from filters.scoring import score_pair
from pipeline.stages.stage import ItemStage
from pipeline.unit import Item
from schemas.recipe.policy import PolicySection


class Judge(ItemStage):
    """Scores the pair, then applies the policy to all scores, those of the source included."""

    name = "judge"

    def __init__(self, policy: PolicySection) -> None:
        self._policy = policy

    def process(self, item: Item) -> None:
        assert item.clean is not None and item.degraded is not None
        row = item.row
        item.scores.update(score_pair(item.degraded, item.clean, row.degradation))
        item.reasons = decide(item.scores, row.degradation, row.role, self._policy)
