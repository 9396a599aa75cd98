"""The recipe of the adapter to albumentations."""

from typing import Any

from pydantic import Field

from schemas.recipe.section import Section, Weight


class AlbumentationsSection(Section):
    """One transform of the package albumentations (2.0.8).

    transform: its class name. arguments: of its constructor, whose own defaults hold for those not given; `{mild: A,
    severe: B}` in place of a number or of a list of numbers moves from A to B with severity. Whatever else the
    transform draws follows its own ranges.
    """

    weight: Weight = 0.0
    transform: str = "ISONoise"
    arguments: dict[str, Any] = Field(default={})
