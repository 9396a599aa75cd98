"""Score the pair of a photograph and its reference, and decide."""

from __future__ import annotations

from filters.policy import decide
from filters.scoring import score_pair
from pipeline.stages.stage import ItemStage
from pipeline.unit import Item
from schemas.recipe.policy import PolicySection


class JudgePhotograph(ItemStage):
    """`pair.*` scores where there is a reference, and the policy over all scores.

    pair.judge_gain: how much cleaner the vision-language judge finds the reference (−4 to 4), where it saw both.
    """

    name = "judge"

    def __init__(self, policy: PolicySection) -> None:
        self._policy = policy

    def process(self, item: Item) -> None:
        assert item.degraded is not None
        row, scores = item.row, item.scores
        if item.clean is not None:
            scores.update(score_pair(item.degraded, item.clean, row.degradation))
            seen = [scores.get(f"{side}.judge.degradation") for side in ("input", "reference")]
            if seen[0] is not None and seen[1] is not None:
                scores["pair.judge_gain"] = seen[1] - seen[0]
        item.reasons = decide(scores, row.degradation, row.role, self._policy)
