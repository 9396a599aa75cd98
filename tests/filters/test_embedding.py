"""The weightless embedding: what turns it little, what turns it much."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.decoding import decode
from filters.embedding import DIMENSIONS, STEPS, layout_embedding, mirrored, to_unit_steps
from tests.filters.files import encode


@pytest.fixture(scope="module")
def photos(photo_paths):
    return {path.stem: decode(path.read_bytes(), 10**7).pixels for path in photo_paths}


def cosine(first, second):
    return float((first.astype(np.float64) * second.astype(np.float64)).sum())


def inner(pixels, share):
    height, width = pixels.shape[:2]
    top, left = round(height * (1 - share) / 2), round(width * (1 - share) / 2)
    return np.ascontiguousarray(pixels[top : height - top, left : width - left])


def test_copies_are_similar_and_other_photographs_are_not(photos):
    embedded = {name: layout_embedding(pixels) for name, pixels in photos.items()}
    for name, pixels in photos.items():
        own = embedded[name]
        smaller = cv2.resize(pixels, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
        again = decode(encode(pixels, "JPEG", quality=30), 10**7).pixels
        graded = (255 * (pixels / 255.0) ** 1.3 * (0.95, 1.0, 0.9)).astype(np.uint8)
        for copy, least in ((smaller, 0.97), (again, 0.97), (graded, 0.9), (inner(pixels, 0.9), 0.85)):
            assert cosine(own, layout_embedding(copy)) > least
        mirror = layout_embedding(np.ascontiguousarray(pixels[:, ::-1]))
        assert cosine(mirrored(own[None])[0], mirror) > 0.99
    embedded.pop("motorcycle_left")  # the right one of the stereo pair stays
    names = list(embedded)
    assert max(cosine(embedded[a], embedded[b]) for a in names for b in names if a < b) < 0.7


def test_elements_are_steps_of_a_unit_vector(photos):
    for pixels in photos.values():
        embedding = layout_embedding(pixels)
        assert embedding.dtype == np.float16 and embedding.shape == (DIMENSIONS,)
        steps = embedding.astype(np.float64) * STEPS
        assert (steps == np.rint(steps)).all()
        assert cosine(embedding, embedding) == pytest.approx(1, abs=2e-3)


@settings(max_examples=30)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 3000),
    value=st.sampled_from([0, 1, 128, 255]),
    noise=st.sampled_from([0, 1, 255]),
)
def test_any_picture_has_one_without_a_warning(height, width, value, noise):
    rng = np.random.default_rng(height * width)
    pixels = np.clip(value + rng.integers(0, noise + 1, (height, width, 3)), 0, 255).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedding = layout_embedding(pixels)
    assert np.isfinite(embedding).all()
    assert cosine(embedding, embedding) == pytest.approx(1, abs=2e-3) or not embedding.any()
    assert embedding.tobytes() == layout_embedding(pixels).tobytes()


def test_flat_pictures_are_similar_to_nothing():
    for value in (0, 128, 255):
        assert not layout_embedding(np.full((50, 70, 3), value, np.uint8)).any()


def test_threads_change_nothing(photos):
    pixels = next(iter(photos.values()))
    threads = cv2.getNumThreads()
    found = set()
    try:
        for number in (1, 2, 4):
            cv2.setNumThreads(number)
            found.add(layout_embedding(pixels).tobytes())
    finally:
        cv2.setNumThreads(threads)
    assert len(found) == 1


def test_unit_steps_of_odd_vectors():
    vectors = np.array([[3.0, 4.0], [0.0, 0.0], [np.nan, 1.0], [np.inf, 2.0]])
    assert to_unit_steps(vectors).tolist() == [
        [pytest.approx(0.6, abs=3e-4), pytest.approx(0.8, abs=3e-4)],
        [0, 0],
        [0, 1],
        [0, 1],
    ]


def test_mirroring_twice_gives_the_same(photos):
    embeddings = np.stack([layout_embedding(pixels) for pixels in photos.values()])
    assert (mirrored(mirrored(embeddings)) == embeddings).all()
