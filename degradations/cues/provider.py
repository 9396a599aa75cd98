"""What estimates cues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from degradations.contract import Image
from degradations.scene import DepthCue, MaskCue


class DepthProvider(Protocol):
    """provider, version: of its cues; equal versions give equal cues. batch: how many pictures it takes at once."""

    @property
    def provider(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def batch(self) -> int: ...

    def load(self) -> None:
        """Loads what is heavy now rather than with the first picture. Raises RecipeError when it cannot be used."""

    def estimate(self, images: Sequence[Image]) -> list[DepthCue]:
        """Depth of each image (uint8 (H, W, 3), sRGB, sizes may differ), whatever the others are."""


class MaskProvider(Protocol):
    """provider, version: of its cues; equal versions give equal cues. batch: how many pictures it takes at once."""

    @property
    def provider(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def batch(self) -> int: ...

    def load(self) -> None:
        """Loads what is heavy now rather than with the first picture. Raises RecipeError when it cannot be used."""

    def segment(self, images: Sequence[Image], depths: Sequence[DepthCue | None]) -> list[MaskCue]:
        """Segments of each image (uint8 (H, W, 3), sRGB, sizes may differ), whatever the others are.

        depths: of the same images where they are at hand, to save work; they change no segment.
        """
