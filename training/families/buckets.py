"""Sizes of one area and many shapes, so that pictures of like shape share a batch (aspect buckets, NovelAI 2022)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Size(NamedTuple):
    """A picture's sides in pixels."""

    height: int
    width: int

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height


def aspect_buckets(
    area: int = 1024**2, multiple: int = 16, tolerance: float = 0.02, widest: float = 2.0
) -> tuple[Size, ...]:
    """Sizes from tall to wide, each with its mirror: one for each short side, a multiple of `multiple`.

    The long side is the multiple nearest to the area; a size stays when its area is within `tolerance` (a share of
    `area`) and long / short is at most `widest`. Raises ValueError when none is left.
    """
    sizes = set()
    for short in range(multiple, math.isqrt(area) + 1, multiple):
        long = round(area / short / multiple) * multiple
        if long <= widest * short and abs(short * long - area) <= tolerance * area:
            sizes |= {Size(short, long), Size(long, short)}
    if not sizes:
        raise ValueError(
            f"no size of area {area} ± {tolerance:.0%} with sides multiple of {multiple} and long / short ≤ {widest}; "
            "raise the tolerance or lower the multiple"
        )
    return tuple(sorted(sizes, key=lambda size: (size.aspect, size.height)))


def nearest_bucket(height: int, width: int, buckets: Sequence[Size]) -> Size:
    """The bucket whose aspect is nearest by ratio; the first of equals. It is the one that a crop loses least to."""
    aspect = math.log(width / height)
    return min(buckets, key=lambda size: abs(math.log(size.aspect) - aspect))
