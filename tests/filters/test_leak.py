"""Leaks: pictures of a benchmark are known by their bytes, their hash or their look, and others are left alone."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest

from filters.decoding import decode
from filters.embedding import layout_embedding, mirrored
from filters.leak import Benchmarks, Leak, benchmark_views, find_leaks
from filters.perceptual_hash import perceptual_hash
from tests.filters.files import encode

RADIUS, SIMILARITY = 8, 0.85


@pytest.fixture(scope="module")
def photos(photo_paths):
    """Large colour photographs by name."""
    found = {path.stem: decode(path.read_bytes(), 10**7).pixels for path in photo_paths}
    return {name: pixels for name, pixels in found.items() if name not in ("camera", "motorcycle_right")}


@pytest.fixture(scope="module")
def benchmarks(photos):
    """Every second photograph."""
    names = list(photos)[::2]
    hashes, embeddings = [], []
    for n, name in enumerate(names):
        pixels = photos[name]
        hashes += [(perceptual_hash(pixels), n), (perceptual_hash(np.ascontiguousarray(pixels[:, ::-1])), n)]
        embeddings += [(layout_embedding(view), n) for view in benchmark_views(pixels)]
    return Benchmarks(
        names=names,
        sha256=[hashlib.sha256(photos[name].tobytes()).hexdigest() for name in names],
        hashes=np.array([int(text, 16) for text, _ in hashes], dtype=np.uint64),
        hash_of=np.array([n for _, n in hashes]),
        embeddings=np.stack([embedding for embedding, _ in embeddings]),
        embedding_of=np.array([n for _, n in embeddings]),
    )


def leaks_of(pictures, benchmarks, radius=RADIUS, similarity=SIMILARITY):
    embeddings = np.stack([layout_embedding(picture) for picture in pictures])
    return find_leaks(
        [hashlib.sha256(picture.tobytes()).hexdigest() for picture in pictures],
        np.array([int(perceptual_hash(picture), 16) for picture in pictures], dtype=np.uint64),
        embeddings,
        benchmarks,
        radius,
        similarity,
        [mirrored(embeddings)],
    )


def crop(pixels, share, down, right):
    height, width = pixels.shape[:2]
    rows, columns = round(height * share), round(width * share)
    top, left = round((height - rows) * down), round((width - columns) * right)
    return np.ascontiguousarray(pixels[top : top + rows, left : left + columns])


def test_the_surest_reason_is_given(photos, benchmarks):
    same = [photos[name] for name in benchmarks.names]
    assert leaks_of(same, benchmarks) == [Leak(name, "same bytes", 0.0) for name in benchmarks.names]
    again = [decode(encode(pixels, "JPEG", quality=40), 10**7).pixels for pixels in same]
    smaller = [cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for pixels in same]
    flipped = [np.ascontiguousarray(pixels[:, ::-1]) for pixels in same]
    for copies in (again, smaller, flipped):
        found = leaks_of(copies, benchmarks)
        assert [leak.benchmark for leak in found] == list(benchmarks.names)
        assert {leak.why for leak in found} == {"perceptual hash"}
        assert all(leak.near <= RADIUS for leak in found)


@pytest.mark.parametrize("flip", [False, True])
def test_crops_are_found_by_their_look(photos, benchmarks, flip):
    rng = np.random.default_rng(0)
    found, wanted = [], []
    for name in benchmarks.names:
        for share in (0.7, 0.8, 0.9):
            view = crop(photos[name], share, *rng.uniform(size=2))
            view = np.ascontiguousarray(view[:, ::-1]) if flip else view
            view = decode(encode(view, "JPEG", quality=50), 10**7).pixels
            found += leaks_of([view], benchmarks)
            wanted.append(name)
    hits = [leak is not None for leak in found]
    assert np.mean(hits) >= 0.9
    named = [(leak.benchmark, name) for leak, name in zip(found, wanted, strict=True) if leak]
    assert all(benchmark == name for benchmark, name in named)
    assert "embedding" in {leak.why for leak in found if leak}


def test_other_photographs_and_parts_of_them_do_not_leak(photos, benchmarks):
    others = [photos[name] for name in photos if name not in benchmarks.names]
    pictures = [view for pixels in others for view in (pixels, crop(pixels, 0.5, 0, 0), crop(pixels, 0.5, 1, 1))]
    assert leaks_of(pictures, benchmarks) == [None] * len(pictures)


def test_flat_pictures_leak_by_their_bytes_alone(benchmarks):
    flat = np.full((64, 64, 3), 128, np.uint8)
    assert leaks_of([flat], benchmarks) == [None]


def test_without_embeddings_bytes_and_hashes_are_left(photos, benchmarks):
    bare = Benchmarks(
        benchmarks.names,
        benchmarks.sha256,
        benchmarks.hashes,
        benchmarks.hash_of,
        np.zeros((0, 0), np.float16),
        np.zeros(0, np.int64),
    )
    name = benchmarks.names[0]
    found = leaks_of([photos[name], crop(photos[name], 0.7, 0.5, 0.5)], bare)
    assert found == [Leak(name, "same bytes", 0.0), None]


def test_what_the_ledger_says():
    assert str(Leak("b.png", "same bytes", 0.0)) == "same bytes as b.png"
    assert str(Leak("b.png", "perceptual hash", 3.0)) == "perceptual hash 3 bits from b.png"
    assert str(Leak("b.png", "embedding", 0.91236)) == "embedding similarity 0.912 to b.png"
