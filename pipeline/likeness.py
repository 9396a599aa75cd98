"""Similar sources, and sources that are a benchmark's pictures: settled once, from the manifest's embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from filters.embedders import other_views
from filters.embedding import Embeddings
from filters.leak import Benchmarks, find_leaks
from filters.similar import nearest_earlier_similar
from schemas.recipe.plan import PlanSection
from schemas.source import SourceImage


def mark_similar(rows: list[SourceImage], known: Sequence[SourceImage], plan: PlanSection) -> list[SourceImage]:
    """`rows` with the most similar earlier source, in `known` followed by `rows`, and its similarity.

    Exact duplicates and rows without an embedding (of a manifest older than embeddings, for instance) take no part.
    """
    firsts = [n for n, row in enumerate(rows) if row.embedding and row.duplicate_ordinal == 0]
    if not firsts:
        return rows
    size = len(rows[firsts[0]].embedding)
    earlier = [row for row in known if len(row.embedding) == size and row.duplicate_ordinal == 0]
    fresh = _embeddings([rows[n] for n in firsts], size)
    views = other_views(plan.embedding, fresh)
    index, similarity = nearest_earlier_similar(fresh, _embeddings(earlier, size), views)
    order = earlier + [rows[n] for n in firsts]
    marked = list(rows)
    for n, at, cosine in zip(firsts, index, similarity, strict=True):
        if at >= 0:
            update = {"similar_to": order[at].key, "similarity": round(min(1.0, float(cosine)), 4)}
            marked[n] = rows[n].model_copy(update=update)
    return marked


def mark_leaks(rows: list[SourceImage], benchmarks: Benchmarks, plan: PlanSection) -> list[SourceImage]:
    """`rows`, each with the benchmark picture that it shows, if any, and how that is known."""
    size = max((len(row.embedding) for row in rows), default=0)
    embeddings = _embeddings(rows, size)
    leaks = find_leaks(
        [row.sha256 for row in rows],
        np.array([int(row.perceptual_hash or "0", 16) for row in rows], dtype=np.uint64),
        embeddings,
        benchmarks,
        plan.benchmark_radius,
        plan.benchmark_similarity,
        other_views(plan.embedding, embeddings),
    )
    return [row.model_copy(update={"leak": str(leak)}) if leak else row for row, leak in zip(rows, leaks, strict=True)]


def _embeddings(rows: Sequence[SourceImage], size: int) -> Embeddings:
    """Float16 (n, d) of the rows, zeros for one without; `size` is d in bytes."""
    data = b"".join(row.embedding or bytes(size) for row in rows)
    return np.frombuffer(data, dtype=np.float16).reshape(len(rows), size // 2)
