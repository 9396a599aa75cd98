"""The log of a training run, as curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class StageCurve:
    """One stage; steps are those of the whole run.

    losses: step → training loss. scores: step → validation score in dB. gains: degradation → step → mean gain in PSNR
    over the validation pairs, dB.
    """

    name: str
    losses: dict[int, float] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)
    gains: dict[str, dict[int, float]] = field(default_factory=dict)

    @property
    def last_step(self) -> int:
        """The last step with a loss or a score."""
        return max([*self.losses, *self.scores])

    @property
    def best(self) -> int | None:
        """The step of the greatest validation score, the earliest of equals; None without validation."""
        return max(self.scores, key=lambda step: (self.scores[step], -step), default=None)


def stage_curves(rows: Iterable[Mapping[str, Any]]) -> list[StageCurve]:
    """The stages of a run's `metrics.jsonl` (its rows as the trainer returns them), in the order in which they began.

    A row of kind "train" has step, stage and loss; one of kind "validation" has step, stage, score and gain (dB by
    degradation). Raises KeyError for a row that lacks one, ValueError for another kind.
    """
    stages: dict[str, StageCurve] = {}
    for row in rows:
        stage = stages.setdefault(row["stage"], StageCurve(row["stage"]))
        match row["kind"]:
            case "train":
                stage.losses[row["step"]] = row["loss"]
            case "validation":
                stage.scores[row["step"]] = row["score"]
                for degradation, gain in row["gain"].items():
                    stage.gains.setdefault(degradation, {})[row["step"]] = gain
            case other:
                raise ValueError(f"kind {other!r} at step {row['step']}: the log has rows of kind train and validation")
    return list(stages.values())
