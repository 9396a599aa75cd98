"""The nearest similar picture: exact against brute force, and a graph that finds what is near."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import filters.similar as similar
from filters.embedding import to_unit_steps
from filters.similar import nearest_among, nearest_earlier_by_graph, nearest_earlier_exactly, nearest_earlier_similar


def clustered(seed, count, width=16, groups=5):
    """Embeddings in clusters, with repeats and zeros among them."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(groups, width))
    vectors = centres[rng.integers(groups, size=count)] + rng.normal(size=(count, width)) * rng.uniform(
        0, 1, (count, 1)
    )
    vectors[rng.uniform(size=count) < 0.1] = 0.0
    repeated = np.flatnonzero(rng.uniform(size=count) < 0.2)
    vectors[repeated] = vectors[rng.integers(count, size=repeated.size)] if count else vectors[repeated]
    return to_unit_steps(vectors)


def brute_force(embeddings, known, views=()):
    """In integers, which no order of sums can change."""
    steps = [np.rint(np.asarray(one, np.float64) * 2048).astype(np.int64) for one in (embeddings, *views)]
    order = np.concatenate([np.rint(known.astype(np.float64) * 2048).astype(np.int64), steps[0]])
    index, cosine = [], []
    for n in range(len(embeddings)):
        earlier = order[: len(known) + n]
        dots = np.max([earlier @ view[n] for view in steps], axis=0) if len(earlier) else np.array([0])
        best = int(dots.argmax())
        index.append(best if dots[best] > 0 else -1)
        cosine.append(max(int(dots[best]), 0) / 2048**2)
    return index, cosine


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 60),
    share=st.floats(0, 1),
    with_views=st.booleans(),
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
)
def test_the_search_is_exact_whatever_the_tiles(seed, count, share, with_views, rows, columns):
    everything = clustered(seed, count)
    known, fresh = np.split(everything, [int(share * count)])
    views = [fresh[:, ::-1]] if with_views else []
    before = similar._ROWS, similar._COLUMNS
    similar._ROWS, similar._COLUMNS = rows, columns
    try:
        index, cosine = nearest_earlier_similar(fresh, known, views)
    finally:
        similar._ROWS, similar._COLUMNS = before
    assert (index.dtype, cosine.dtype) == (np.int64, np.float32)
    assert (index.tolist(), cosine.tolist()) == brute_force(fresh, known, views)


def test_manifest_growth_keeps_earlier_rows():
    everything = clustered(3, 200)
    whole = nearest_earlier_exactly(everything, everything[:0])
    grown = nearest_earlier_exactly(everything[120:], everything[:120])
    assert grown[0].tolist() == whole[0][120:].tolist()
    assert grown[1].tolist() == whole[1][120:].tolist()


def test_among_others():
    others, fresh = clustered(1, 50), clustered(2, 30)
    index, cosine = nearest_among(fresh, others)
    dots = fresh.astype(np.float64) @ others.astype(np.float64).T
    assert cosine.tolist() == np.maximum(dots.max(axis=1), 0).tolist()
    assert [int(i) for i in index] == [int(row.argmax()) if row.max() > 0 else -1 for row in dots]
    assert nearest_among(fresh, others[:0])[0].tolist() == [-1] * 30


def test_the_graph_finds_what_is_near_and_says_the_same_again(monkeypatch):
    monkeypatch.setattr(similar, "_GROWTH", 256)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(700, 64))
    vectors = to_unit_steps(
        np.concatenate([centres, centres + 0.3 * rng.normal(size=centres.shape), np.zeros((9, 64))])
    )
    vectors = vectors[rng.permutation(len(vectors))]
    known, fresh = vectors[:300], vectors[300:]
    views = [fresh[:, ::-1]]
    exact = nearest_earlier_exactly(fresh, known, views)
    found = nearest_earlier_by_graph(fresh, known, views)
    near = exact[1] > 0.8
    assert near.sum() > 400
    assert (found[0] == exact[0])[near].mean() > 0.99
    assert (found[1] <= exact[1]).all()
    assert (found[0] < np.arange(300, len(vectors))).all()
    again = nearest_earlier_by_graph(fresh, known, views)
    assert [part.tolist() for part in again] == [part.tolist() for part in found]


def test_many_take_the_graph(monkeypatch):
    monkeypatch.setattr(similar, "EXACT_PAIRS", 10)
    called = []
    monkeypatch.setattr(similar, "nearest_earlier_by_graph", lambda *given: called.append(given))
    everything = clustered(0, 30)
    nearest_earlier_similar(everything, everything[:0])
    assert called
