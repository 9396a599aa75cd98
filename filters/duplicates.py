"""Near duplicates among millions of perceptual hashes, exactly."""

from __future__ import annotations

import itertools

import numba
import numpy as np
from numpy.typing import NDArray

#: Distance of a hash that has no neighbour within the radius: all bits.
NO_NEIGHBOUR = 64
_BANDS, _BAND_BITS = 4, 16

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]


def nearest_earlier(hashes: Hashes, radius: int, known: Hashes) -> tuple[Indices, Indices]:
    """For each hash, the nearest one before it in `known` followed by `hashes`.

    hashes, known: uint64 (n,) and (k,); `known` comes first and is not searched for itself.
    Returns positions in the concatenation (int64 (n,), −1 where nothing lies within `radius` bits) and Hamming
    distances (int64 (n,), 64 there). Among equally near ones the earliest is taken. Exact: multi-index hashing
    (Norouzi et al. 2012) over four bands of 16 bits, where two hashes within `radius` must agree, up to a few flipped
    bits, in at least one band; the flips of the bands together are `radius` − 3.
    Raises ValueError for a radius outside 0-16.
    """
    if not 0 <= radius <= 16:
        raise ValueError(f"radius must lie in 0-16 bits of 64, got {radius}")
    everything = np.concatenate([known, hashes]).astype(np.uint64)
    # Later copies of one hash have a neighbour at distance 0; only first occurrences take part in the search.
    values, first, group = np.unique(everything, return_index=True, return_inverse=True)
    index = np.where(first[group] < np.arange(everything.size), first[group], -1).astype(np.int64)
    distance = np.where(index >= 0, 0, NO_NEIGHBOUR).astype(np.int64)
    order = np.argsort(first, kind="stable")
    values, first = values[order], first[order].astype(np.int64)
    start = int(np.searchsorted(first, known.size))
    if radius > 0 and start < values.size:
        found, bits = _search(values, radius, start)
        hit = found >= 0
        index[first[start:][hit]] = first[found[hit]]
        distance[first[start:][hit]] = bits[hit]
    return index[known.size :], distance[known.size :]


def _search(values: Hashes, radius: int, start: int) -> tuple[Indices, Indices]:
    """nearest_earlier for distinct `values`, from position `start` on."""
    flips_left = radius - (_BANDS - 1)
    best = np.full(values.size - start, -1, dtype=np.int64)
    bits = np.full(values.size - start, radius + 1, dtype=np.int64)
    for band in range(_BANDS):
        flips = flips_left // (_BANDS - band)  # of the bands left, as evenly as whole numbers allow
        flips_left -= flips
        if flips < 0:
            continue
        shift = np.uint64(band * _BAND_BITS)
        codes = ((values >> shift) & np.uint64(0xFFFF)).astype(np.uint16)
        members = np.argsort(codes, kind="stable")
        offsets = np.searchsorted(codes[members], np.arange(2**_BAND_BITS + 1))
        _scan(values, values[members], members, offsets, codes, _masks(flips), start, best, bits)
    return best, bits


def _masks(flips: int) -> NDArray[np.uint16]:
    """Every 16-bit word with at most `flips` bits set, fewest first."""
    words = [
        sum(1 << bit for bit in chosen)
        for count in range(flips + 1)
        for chosen in itertools.combinations(range(_BAND_BITS), count)
    ]
    return np.array(words, dtype=np.uint16)


@numba.njit(cache=True, nogil=True)
def _scan(
    values: Hashes,
    bucketed: Hashes,
    members: Indices,
    offsets: Indices,
    codes: NDArray[np.uint16],
    masks: NDArray[np.uint16],
    start: int,
    best: Indices,
    bits: Indices,
) -> None:
    """Improves `best` and `bits` with the buckets of one band; members of a bucket ascend."""
    for position in range(start, values.size):
        value, code = values[position], codes[position]
        nearest, found = bits[position - start], best[position - start]
        for mask in masks:
            bucket = code ^ mask
            for slot in range(offsets[bucket], offsets[bucket + 1]):
                member = members[slot]
                if member >= position:
                    break
                apart = popcount(value ^ bucketed[slot])
                if apart < nearest or (apart == nearest and member < found):
                    nearest, found = apart, member
        bits[position - start], best[position - start] = nearest, found


@numba.njit(cache=True, nogil=True, inline="always")
def popcount(word: np.uint64) -> np.int64:
    """How many bits of `word` are set."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
