"""No held-out photograph may be known from training: the check over the manifest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from schemas.errors import DatasetError
from schemas.source import SourceImage


@dataclass(frozen=True)
class Leak:
    """A held-out image that training saw, by uri, and how that is known."""

    heldout: str
    train: str
    why: str


def find_leaks(manifest: Iterable[SourceImage], radius: int) -> list[Leak]:
    """Every held-out image that equals or nearly equals one of another split, once per pair, in the manifest's order.

    An image leaks when its bytes are a training image's ("same bytes"), when the manifest marks one as near duplicate
    of the other ("marked near duplicate"), or when their 64-bit perceptual hashes differ in at most `radius` bits
    ("perceptual hash 3 bits apart"); the first that holds is given. A hash does not find crops;
    `overlap.find_overlaps` does, from pixels.
    """
    rows = list(manifest)
    heldout = [row for row in rows if row.split == "heldout"]
    train = [row for row in rows if row.split != "heldout"]
    if not heldout or not train:
        return []
    hashes = np.array([int(row.perceptual_hash or "0", 16) for row in train], dtype=np.uint64)
    hashed = np.array([row.perceptual_hash != "" for row in train])
    by_key = _positions((row.key, i) for i, row in enumerate(train))
    marked = _positions((row.near_duplicate_of, i) for i, row in enumerate(train) if row.near_duplicate_of)
    leaks = []
    for row in heldout:
        why: dict[int, str] = {}
        if row.perceptual_hash:
            bits = np.bitwise_count(hashes ^ np.uint64(int(row.perceptual_hash, 16)))
            near = np.flatnonzero(hashed & (bits <= radius))
            why = {int(i): f"perceptual hash {bits[i]} bits apart" for i in near}
        for i in by_key.get(row.near_duplicate_of, []) + marked.get(row.key, []):
            why[i] = "marked near duplicate"
        for i in by_key.get(row.key, []):
            why[i] = "same bytes"
        leaks += [Leak(row.uri, train[i].uri, why[i]) for i in sorted(why)]
    return leaks


def refuse_leaks(manifest: Iterable[SourceImage], radius: int) -> None:
    """Raises DatasetError that names the offending pairs (the first ten) if `find_leaks` finds any."""
    leaks = find_leaks(manifest, radius)
    if leaks:
        pairs = "\n".join(f"  {leak.heldout} ~ {leak.train} ({leak.why})" for leak in leaks[:10])
        raise DatasetError(
            f"split: {len(leaks)} held-out image(s) equal or nearly equal a training image; move each pair to one "
            f"side:\n{pairs}"
        )


def _positions(pairs: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for key, position in pairs:
        found.setdefault(key, []).append(position)
    return found
