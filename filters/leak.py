"""Is a source one of the benchmark's pictures? Then it must never be learned from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray

from filters.contract import Image
from filters.duplicates import popcount
from filters.embedding import Embeddings
from filters.similar import nearest_among

#: Crops of a benchmark picture that are looked for beside the whole: (share of each side, places along each side).
_CROPS = ((0.7, 4), (0.8, 3), (0.9, 2))
NO_HASH = 64


@dataclass(frozen=True)
class Benchmarks:
    """What is known of pictures that must never enter training.

    names: what each picture is called. sha256: of its bytes, hex. hashes: perceptual hashes, uint64 (h,), of the
    pictures `hash_of` (h,). embeddings: float16 (e, d), of views of the pictures `embedding_of` (e,); e is 0 where
    there are none.
    """

    names: Sequence[str]
    sha256: Sequence[str]
    hashes: NDArray[np.uint64]
    hash_of: NDArray[np.int64]
    embeddings: Embeddings
    embedding_of: NDArray[np.int64]


@dataclass(frozen=True)
class Leak:
    """benchmark: the name of the picture that a source shows. why: how that is known, the surest way first.

    near: 0 for the same bytes, else bits between perceptual hashes (0-64) or the cosine of embeddings (0-1).
    """

    benchmark: str
    why: Literal["same bytes", "perceptual hash", "embedding"]
    near: float

    def __str__(self) -> str:
        match self.why:
            case "same bytes":
                return f"same bytes as {self.benchmark}"
            case "perceptual hash":
                return f"perceptual hash {self.near:.0f} bits from {self.benchmark}"
        return f"embedding similarity {self.near:.3f} to {self.benchmark}"


def benchmark_views(pixels: Image) -> Iterator[Image]:
    """`pixels` (uint8 (H, W, 3)) and 29 crops of it: 4×4 of 70% of each side, 3×3 of 80% and 2×2 of 90%.

    A source cut out of a benchmark picture resembles one of them more than the whole.
    """
    yield pixels
    height, width = pixels.shape[:2]
    for share, places in _CROPS:
        rows, columns = max(1, round(height * share)), max(1, round(width * share))
        for i in range(places):
            for j in range(places):
                top, left = round((height - rows) * i / (places - 1)), round((width - columns) * j / (places - 1))
                yield np.ascontiguousarray(pixels[top : top + rows, left : left + columns])


def find_leaks(
    sha256: Sequence[str],
    hashes: NDArray[np.uint64],
    embeddings: Embeddings,
    benchmarks: Benchmarks,
    radius: int,
    similarity: float,
    views: Sequence[Embeddings] = (),
) -> list[Leak | None]:
    """For each source, the benchmark picture that it shows, if any.

    sha256: hex, of the bytes of n sources. hashes: uint64 (n,), perceptual; 0 for what has none. embeddings, views:
    float16 (n, d), as for `similar.nearest_among`; a width other than the benchmarks' means that there are none.
    A source leaks when its bytes are a benchmark picture's, when their perceptual hashes are at most `radius` bits
    apart, or when the cosine of their embeddings is at least `similarity`.
    """
    same = {digest: name for digest, name in zip(benchmarks.sha256, benchmarks.names, strict=True) if digest}
    at, bits = _nearest_hash(hashes, benchmarks.hashes)
    comparable = embeddings.shape[1] == benchmarks.embeddings.shape[1] and len(benchmarks.embeddings) > 0
    most, cosines = np.full(len(sha256), -1, dtype=np.int64), np.zeros(len(sha256), dtype=np.float32)
    if comparable:
        most, cosines = nearest_among(embeddings, benchmarks.embeddings, views)
    found: list[Leak | None] = []
    for n, digest in enumerate(sha256):
        if digest in same:
            found.append(Leak(same[digest], "same bytes", 0.0))
        elif hashes[n] and bits[n] <= radius:
            found.append(Leak(benchmarks.names[benchmarks.hash_of[at[n]]], "perceptual hash", float(bits[n])))
        elif most[n] >= 0 and cosines[n] >= similarity:
            found.append(Leak(benchmarks.names[benchmarks.embedding_of[most[n]]], "embedding", float(cosines[n])))
        else:
            found.append(None)
    return found


@numba.njit(cache=True, nogil=True)
def _nearest_hash(
    hashes: NDArray[np.uint64], others: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Position (n,) in `others` of the nearest hash, the earliest of equals, and its distance in bits; 64 for none."""
    at = np.full(hashes.size, -1, dtype=np.int64)
    bits = np.full(hashes.size, NO_HASH, dtype=np.int64)
    for n in range(hashes.size):
        for other in range(others.size):
            apart = popcount(hashes[n] ^ others[other])
            if apart < bits[n]:
                at[n], bits[n] = other, apart
    return at, bits
