"""What a stage is, and how neighbouring stages are fused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import groupby
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

    def foresee(self, items: Sequence[Item]) -> None:  # noqa: B027 (most stages have nothing to foresee)
        """Looks at neighbouring items, which earlier stages have been through, before each is processed."""

    def guarded(self, item: Item) -> None:
        """`process`, with an exception recorded in the item."""
        if item.ended:
            return
        try:
            self.process(item)
        except Exception as error:
            item.failed = f"failed.{self.name}"
            item.error = f"{type(error).__name__}: {error}"

    def guardedly_foresee(self, items: Sequence[Item]) -> None:
        """`foresee`, with an exception recorded in the items that it was for."""
        try:
            self.foresee(items)
        except Exception as error:
            for item in items:
                if not item.ended:
                    item.failed = f"failed.{self.name}"
                    item.error = f"{type(error).__name__}: {error}"

    def __call__(self, unit: Unit) -> Unit:
        for item in unit.items:
            self.guarded(item)
        return unit


class Fused:
    """Item stages in passes over the items of `sources` neighbouring sources.

    Each pass begins with every stage of it foreseeing the items and goes on item by item. What an item holds of pixels
    is dropped after its last stage, so those of that many sources, and of the degraded images that a pass boundary
    separates from their last stage, are in memory.
    """

    def __init__(self, passes: Sequence[Sequence[ItemStage]], sources: int = 1) -> None:
        self._passes, self._sources = [list(stages) for stages in passes], sources

    def __call__(self, unit: Unit) -> Unit:
        variants = [list(items) for _, items in groupby(unit.items, key=lambda item: item.row.sha256)]
        for start in range(0, len(variants), self._sources):
            items = [item for group in variants[start : start + self._sources] for item in group]
            for number, stages in enumerate(self._passes):
                for stage in stages:
                    stage.guardedly_foresee(items)
                for item in items:
                    for stage in stages:
                        stage.guarded(item)
                    if number == len(self._passes) - 1:
                        item.release()
        return unit
