"""Near duplicates: the hash of copies, and an exact search among many hashes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.decoding import decode
from filters.duplicates import nearest_earlier
from filters.perceptual_hash import perceptual_hash
from tests.filters.files import encode


def brute_force(hashes, radius, known):
    everything = np.concatenate([known, hashes])
    index, distance = [], []
    for position in range(len(known), len(everything)):
        apart = np.bitwise_count(everything[:position] ^ everything[position])
        near = len(apart) > 0 and apart.min() <= radius
        index.append(int(apart.argmin()) if near else -1)
        distance.append(int(apart.min()) if near else 64)
    return index, distance


def clustered(seed, groups, copies):
    """Hashes in groups whose members differ from the first in 0 to 20 bits, shuffled."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(groups):
        centre = int.from_bytes(rng.bytes(8), "little")
        for _ in range(copies):
            flips = rng.choice(64, rng.integers(0, 21), replace=False)
            found.append(centre ^ sum(1 << int(bit) for bit in flips))
    return rng.permutation(np.array(found, dtype=np.uint64))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    radius=st.integers(0, 16),
    groups=st.integers(1, 12),
    copies=st.integers(1, 8),
    share=st.floats(0, 1),
)
def test_the_search_is_exact(seed, radius, groups, copies, share):
    everything = clustered(seed, groups, copies)
    known, hashes = np.split(everything, [int(share * len(everything))])
    index, distance = nearest_earlier(hashes, radius, known)
    assert index.dtype == distance.dtype == np.int64
    assert (index.tolist(), distance.tolist()) == brute_force(hashes, radius, known)


def test_equal_hashes_point_to_the_earliest():
    hashes = np.array([5, 7, 5, 5], dtype=np.uint64)
    index, distance = nearest_earlier(hashes, 0, np.array([9], dtype=np.uint64))
    assert index.tolist() == [-1, -1, 1, 1]
    assert distance.tolist() == [64, 64, 0, 0]


def test_nothing_to_search():
    none = np.array([], dtype=np.uint64)
    assert [part.tolist() for part in nearest_earlier(none, 10, none)] == [[], []]
    assert [part.tolist() for part in nearest_earlier(none, 10, np.array([1], np.uint64))] == [[], []]


def test_radius_out_of_range():
    with pytest.raises(ValueError, match="radius must lie in 0-16"):
        nearest_earlier(np.array([1], np.uint64), 17, np.array([], np.uint64))


@pytest.mark.slow
def test_a_hundred_thousand_hashes():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 100_000, dtype=np.uint64)
    hashes[-1000:] = hashes[:1000] ^ np.uint64(0b1011 << 20)
    index, distance = nearest_earlier(hashes, 6, np.array([], np.uint64))
    assert index[-1000:].tolist() == list(range(1000))
    assert (distance[-1000:] == 3).all()


def bits_apart(first, second):
    return (int(first, 16) ^ int(second, 16)).bit_count()


def test_copies_are_near_and_other_photographs_far(photo_paths):
    hashes = {}
    for path in photo_paths:
        pixels = decode(path.read_bytes(), 10**7).pixels
        own = hashes[path.stem] = perceptual_hash(pixels)
        assert len(own) == 16
        smaller = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        again = decode(encode(pixels, "JPEG", quality=40), 10**7).pixels
        brighter = np.clip(pixels.astype(int) + 12, 0, 255).astype(np.uint8)
        for copy in (smaller, again, brighter):
            assert bits_apart(own, perceptual_hash(copy)) < 6
    assert bits_apart(hashes.pop("motorcycle_left"), hashes["motorcycle_right"]) < 6  # a stereo pair
    names = list(hashes)
    assert min(bits_apart(hashes[a], hashes[b]) for a in names for b in names if a < b) > 16


def test_any_picture_has_a_hash():
    for shape in ((1, 1, 3), (1, 500, 3), (3, 2, 3)):
        assert len(perceptual_hash(np.zeros(shape, np.uint8))) == 16
