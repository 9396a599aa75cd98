"""What a stage is, and how neighbouring stages are fused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from pipeline.unit import Item, Unit


class Stage(Protocol):
    """Called with a unit; returns it with its part filled in."""

    def __call__(self, unit: Unit) -> Unit: ...


class ItemStage(ABC):
    """A stage that looks at one item at a time. An exception costs that item, never the unit."""

    #: Named in the reason of a failed row: `failed.NAME`.
    name: str

    @abstractmethod
    def process(self, item: Item) -> None:
        """Fills in this stage's part of `item`."""

    def guarded(self, item: Item) -> None:
        """`process`, with an exception recorded in the item."""
        if item.ended:
            return
        try:
            self.process(item)
        except Exception as error:
            item.failed = f"failed.{self.name}"
            item.error = f"{type(error).__name__}: {error}"

    def __call__(self, unit: Unit) -> Unit:
        for item in unit.items:
            self.guarded(item)
        return unit


class Fused:
    """Item stages run item by item, so that at most one item's pixels are in memory."""

    def __init__(self, stages: Sequence[ItemStage]) -> None:
        self._stages = list(stages)

    def __call__(self, unit: Unit) -> Unit:
        for item in unit.items:
            for stage in self._stages:
                stage.guarded(item)
            item.release()
        return unit
