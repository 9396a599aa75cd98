"""The manifest: one row a source, extended when the source set grows, never renumbered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

import numpy as np

from filters.duplicates import nearest_earlier
from filters.embedders import build_embedder
from pipeline.dataset import Dataset
from pipeline.engines.engine import Engine
from pipeline.likeness import mark_leaks, mark_similar
from pipeline.sources.benchmarks import scan_benchmarks
from pipeline.sources.listing import list_uris
from pipeline.sources.rows import from_stream
from pipeline.sources.scan import ScanWorker
from schemas.recipe import Recipe
from schemas.source import SourceImage, Split

_SCAN_CHUNK = 32


def scan_sources(
    recipe: Recipe,
    known: Sequence[SourceImage],
    engine: Engine,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[SourceImage]:
    """Rows for the sources that are not in `known`, sorted by key and uri, with duplicates, similar sources, leaks of
    benchmark pictures and splits settled.

    progress: called with (sources scanned, sources to scan). Raises RecipeError when a source section lists nothing,
    a benchmark picture cannot be read, or the model that embeds cannot be used.
    """
    seen = {row.uri for row in known}
    listed: dict[str, tuple[str, str, str]] = {}
    for section in recipe.sources:
        for uri in list_uris(section):
            if uri not in seen:
                listed.setdefault(uri, (section.role, section.subject, section.degradation))
    pairs = [(uri, *given) for uri, given in listed.items()]
    tasks = [json.dumps(pairs[i : i + _SCAN_CHUNK]).encode() for i in range(0, len(pairs), _SCAN_CHUNK)]
    rows: list[SourceImage] = []
    embedding = recipe.plan.embedding
    build_embedder(embedding, "cpu", 1)  # what is missing is told before any worker starts
    benchmarks = scan_benchmarks(recipe, engine) if pairs and recipe.plan.benchmarks else None
    arguments = (recipe.decode.max_pixels, embedding, recipe.filters.device, recipe.filters.batch)
    gpus = recipe.engine.worker_gpus if embedding.provider == "open_clip" else 0.0
    for result in engine.run(tasks, ScanWorker, arguments, gpus):
        rows += from_stream(SourceImage, result)
        progress(len(rows), len(pairs))
    rows.sort(key=lambda row: (row.key, row.uri))
    rows = mark_similar(_mark_duplicates(rows, known, recipe.plan.near_duplicate_radius), known, recipe.plan)
    if benchmarks is not None:
        rows = mark_leaks(rows, benchmarks, recipe.plan)
    return _split(rows, known, recipe)


def _mark_duplicates(rows: list[SourceImage], known: Sequence[SourceImage], radius: int) -> list[SourceImage]:
    counts: dict[str, int] = {}
    for row in known:
        counts[row.key] = counts.get(row.key, 0) + 1
    marked = []
    for row in rows:
        ordinal = counts.get(row.key, 0)
        counts[row.key] = ordinal + 1
        marked.append(row.model_copy(update={"duplicate_ordinal": ordinal}))
    earlier = [row for row in known if row.perceptual_hash and row.duplicate_ordinal == 0]
    firsts = [row for row in marked if row.perceptual_hash and row.duplicate_ordinal == 0]
    index, distance = nearest_earlier(_hashes(firsts), radius, _hashes(earlier))
    order = earlier + firsts
    near = {
        row.uri: {"near_duplicate_of": order[at].key, "near_duplicate_distance": int(bits)}
        for row, at, bits in zip(firsts, index, distance, strict=True)
        if at >= 0
    }
    return [row.model_copy(update=near.get(row.uri, {})) for row in marked]


def _hashes(rows: Sequence[SourceImage]) -> np.ndarray:
    return np.array([int(row.perceptual_hash, 16) for row in rows], dtype=np.uint64)


def _split(rows: list[SourceImage], known: Sequence[SourceImage], recipe: Recipe) -> list[SourceImage]:
    """Keeps shares of the sources apart; duplicates, exact, near and similar, follow the image they repeat.

    The shares are taken of this extension's groups, in the order of their keys' hashes: at least one group for each
    share above 0 while one is left to train on. The seed plays no part, so datasets of the same sources split alike.
    """
    split: dict[str, Split] = {row.key: row.split for row in known}
    leaders: dict[str, str] = {}
    for row in rows:
        similar = row.similar_to if row.similarity >= recipe.plan.embedding.similarity else ""
        leader = row.near_duplicate_of or similar or row.key
        leaders.setdefault(row.key, leaders.get(leader, leader))
    fresh = sorted(
        {leader for leader in leaders.values() if leader not in split},
        key=lambda key: hashlib.sha256(f"split/{key}".encode()).digest(),
    )
    heldout = _count(recipe.plan.heldout, len(fresh))
    validation = min(_count(recipe.plan.validation, len(fresh)), len(fresh) - heldout)
    for place, key in enumerate(fresh):
        split[key] = "heldout" if place < heldout else "validation" if place < heldout + validation else "train"
    return [row.model_copy(update={"split": split[leaders[row.key]]}) for row in rows]


def _count(share: float, groups: int) -> int:
    if share in (0.0, 1.0) or groups < 2:
        return round(share * groups)
    return min(max(round(share * groups), 1), groups - 1)


def read_manifest(dataset: Dataset) -> list[SourceImage]:
    """All rows of the manifest, part by part."""
    return [row for part in sorted(dataset.manifest.glob("*.parquet")) for row in SourceImage.read_parquet(part)]
