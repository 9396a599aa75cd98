"""The nearest neighbour among embeddings by cosine: exact, and by a graph among millions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from filters.embedding import Embeddings

Indices = NDArray[np.int64]
Similarities = NDArray[np.float32]

#: Comparisons up to which every pair is looked at, those of 245,000 embeddings with each other: 200 million a second on
#: a core, of 248 elements. From about there on the graph is faster (of 100,000 it takes two and a half times as long).
EXACT_PAIRS = 30_000_000_000
_ROWS, _COLUMNS = 1024, 8192
#: Embeddings that the graph grows by at a time; they are compared with each other exactly.
_GROWTH = 4096
#: Edges a node, and candidates looked at while growing and searching.
_EDGES, _GROWING, _SEARCHING = 16, 128, 64
#: Neighbours asked for, of which the most similar and then the earliest is taken.
_ASKED = 4


def nearest_earlier_similar(
    embeddings: Embeddings, known: Embeddings, views: Sequence[Embeddings] = ()
) -> tuple[Indices, Similarities]:
    """For each embedding, the most similar one before it in `known` followed by `embeddings`.

    embeddings, known: float16 (n, d) and (k, d) of unit length in multiples of 1/2048 (`embedding.to_unit_steps`);
    zeros are similar to nothing. views: further embeddings (n, d) of the same pictures, mirrored for instance; the most
    similar view counts. Returns positions in the concatenation (int64 (n,), −1 where nothing has a similarity above 0)
    and cosines (float32 (n,), in (0, 1], 0 there). Exact, the earliest of equals first, up to `EXACT_PAIRS`
    comparisons; above by a graph (HNSW, Malkov and Yashunin 2018) that is grown in the given order on one thread, so
    that the same embeddings give the same answer.
    """
    pairs = len(embeddings) * (len(known) + len(embeddings) / 2)
    if pairs <= EXACT_PAIRS:
        return nearest_earlier_exactly(embeddings, known, views)
    return nearest_earlier_by_graph(embeddings, known, views)


def nearest_earlier_exactly(
    embeddings: Embeddings, known: Embeddings, views: Sequence[Embeddings] = ()
) -> tuple[Indices, Similarities]:
    """`nearest_earlier_similar` by comparing all pairs."""
    index, similarity = nearest_among(embeddings, known, views)
    _nearest_before(embeddings, views, len(known), index, similarity)
    return index, similarity


def nearest_among(
    embeddings: Embeddings, others: Embeddings, views: Sequence[Embeddings] = ()
) -> tuple[Indices, Similarities]:
    """For each embedding, the most similar of `others`, as `nearest_earlier_similar` says; exact."""
    index = np.full(len(embeddings), -1, dtype=np.int64)
    similarity = np.zeros(len(embeddings), dtype=np.float32)
    for start in range(0, len(embeddings), _ROWS):
        rows = slice(start, start + _ROWS)
        for column in range(0, len(others), _COLUMNS):
            cosines = _cosines(embeddings, views, rows, others[column : column + _COLUMNS])
            _improve(cosines, column, index[rows], similarity[rows])
    return index, similarity


def nearest_earlier_by_graph(
    embeddings: Embeddings, known: Embeddings, views: Sequence[Embeddings] = ()
) -> tuple[Indices, Similarities]:
    """`nearest_earlier_similar` by a graph, which misses some neighbours, the less similar the more."""
    from usearch.index import Index

    index = np.full(len(embeddings), -1, dtype=np.int64)
    similarity = np.zeros(len(embeddings), dtype=np.float32)
    graph = Index(
        ndim=embeddings.shape[1],
        metric="ip",
        dtype="f16",
        connectivity=_EDGES,
        expansion_add=_GROWING,
        expansion_search=_SEARCHING,
    )
    _grow(graph, known, 0)
    for start in range(0, len(embeddings), _GROWTH):
        rows = slice(start, start + _GROWTH)
        block, others = embeddings[rows], [view[rows] for view in views]
        found, cosines = index[rows], similarity[rows]
        for view in (block, *others):
            _search(graph, view, found, cosines)
        _nearest_before(block, others, len(known) + start, found, cosines)
        _grow(graph, block, len(known) + start)
    return index, similarity


def _cosines(embeddings: Embeddings, views: Sequence[Embeddings], rows: slice, others: Embeddings) -> Similarities:
    """Float32 (rows, others): of the most similar view. Exact in float32 whatever the order of the sums: products are
    multiples of 2⁻²², and their partial sums stay below 2."""
    columns = others.astype(np.float32).T
    cosines = embeddings[rows].astype(np.float32) @ columns
    for view in views:
        np.maximum(cosines, view[rows].astype(np.float32) @ columns, out=cosines)
    return cosines


def _improve(cosines: Similarities, column: int, index: Indices, similarity: Similarities) -> None:
    """Takes over what is more similar in `cosines`, whose first column is at position `column`."""
    best = cosines.argmax(axis=1)
    most = cosines[np.arange(len(best)), best]
    better = most > similarity
    index[better], similarity[better] = best[better] + column, most[better]


def _nearest_before(
    embeddings: Embeddings, views: Sequence[Embeddings], offset: int, index: Indices, similarity: Similarities
) -> None:
    """Improves `index` and `similarity` with those of `embeddings` that come before, at positions from `offset` on."""
    for start in range(0, len(embeddings), _ROWS):
        rows = slice(start, start + _ROWS)
        for column in range(0, min(start + _ROWS, len(embeddings)), _COLUMNS):
            stop = min(column + _COLUMNS, start + _ROWS)
            cosines = _cosines(embeddings, views, rows, embeddings[column:stop])
            later = np.arange(column, column + cosines.shape[1]) >= np.arange(start, start + len(cosines))[:, None]
            cosines[later] = -1.0
            _improve(cosines, offset + column, index[rows], similarity[rows])


def _grow(graph: object, embeddings: Embeddings, offset: int) -> None:
    shown = np.flatnonzero(embeddings.any(axis=1))
    if shown.size:
        graph.add(shown.astype(np.uint64) + np.uint64(offset), embeddings[shown], threads=1)  # type: ignore[attr-defined]


def _search(graph: object, view: Embeddings, index: Indices, similarity: Similarities) -> None:
    """Improves `index` and `similarity` with what the graph finds for `view`; zeros find nothing."""
    count = min(_ASKED, len(graph))  # type: ignore[arg-type]
    asked = np.flatnonzero(view.any(axis=1))
    if count == 0 or asked.size == 0:
        return
    matches = graph.search(view[asked], count, threads=1)  # type: ignore[attr-defined]
    keys = matches.keys.reshape(asked.size, count).astype(np.int64)
    cosines = (1.0 - matches.distances.reshape(asked.size, count)).astype(np.float32)
    valid = np.arange(count) < np.asarray(matches.counts).reshape(-1, 1)
    cosines[~valid] = -1.0
    most = cosines.max(axis=1)
    first = np.where(cosines == most[:, None], keys, np.iinfo(np.int64).max).min(axis=1)
    better = (most > similarity[asked]) | ((most == similarity[asked]) & (first < index[asked]) & (most > 0))
    index[asked[better]], similarity[asked[better]] = first[better], most[better]
