"""Benchmark pictures that must never enter training: listing and scanning them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from filters.decode_errors import DecodeError
from filters.decoding import decode
from filters.embedders import build_embedder
from filters.inference import Device
from filters.leak import Benchmarks, benchmark_views
from filters.perceptual_hash import perceptual_hash
from pipeline.engines.engine import Engine
from pipeline.sources.listing import list_uris
from pipeline.sources.rows import from_stream, to_stream
from pipeline.sources.uri import read_uri
from schemas.benchmark import BenchmarkImage
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.recipe.embedding import EmbeddingSection
from schemas.recipe.sources import SourceSection

_CHUNK = 8


class BenchmarkWorker:
    """Called with a JSON list of uris; returns the BenchmarkImage rows as an Arrow stream."""

    def __init__(self, max_pixels: int, section: EmbeddingSection, device: Device = "auto", batch: int = 1) -> None:
        self._max_pixels = max_pixels
        self._embedder = build_embedder(section, device, batch)

    def __call__(self, task: bytes) -> bytes:
        return to_stream(BenchmarkImage, [self._scan(uri) for uri in json.loads(task)])

    def _scan(self, uri: str) -> BenchmarkImage:
        try:
            data = read_uri(uri)
            pixels = decode(data, self._max_pixels).pixels
        except (OSError, ValueError, DecodeError) as error:
            return BenchmarkImage(uri=uri, error=f"{type(error).__name__}: {error}")
        embedded = [] if self._embedder is None else list(self._embedder.embed(list(benchmark_views(pixels))))
        return BenchmarkImage(
            uri=uri,
            sha256=hashlib.sha256(data).hexdigest(),
            hashes=[perceptual_hash(pixels), perceptual_hash(np.ascontiguousarray(pixels[:, ::-1]))],
            embeddings=[embedding.tobytes() for embedding in embedded],
        )


def scan_benchmarks(recipe: Recipe, engine: Engine) -> Benchmarks:
    """What the leak check needs to know of the pictures of `plan.benchmarks`.

    Raises RecipeError when an entry names no picture, or a picture cannot be read: its leak would go unseen.
    """
    uris = list(dict.fromkeys(uri for path in recipe.plan.benchmarks for uri in _list(path)))
    tasks = [json.dumps(uris[i : i + _CHUNK]).encode() for i in range(0, len(uris), _CHUNK)]
    section, filters = recipe.plan.embedding, recipe.filters
    arguments = (recipe.decode.max_pixels, section, filters.device, filters.batch)
    gpus = recipe.engine.worker_gpus if section.provider == "open_clip" else 0.0
    images: list[BenchmarkImage] = []
    for result in engine.run(tasks, BenchmarkWorker, arguments, gpus):
        images += from_stream(BenchmarkImage, result)
    images.sort(key=lambda image: image.uri)
    for image in images:
        if image.error:
            raise RecipeError(
                f"plan.benchmarks: {image.uri} cannot be read ({image.error}), so that its leak would go unseen; mend "
                "it, or name the others"
            )
    hashes = [(int(text, 16), n) for n, image in enumerate(images) for text in image.hashes]
    embeddings = [(data, n) for n, image in enumerate(images) for data in image.embeddings]
    vectors = np.frombuffer(b"".join(data for data, _ in embeddings), dtype=np.float16)
    return Benchmarks(
        names=[image.uri for image in images],
        sha256=[image.sha256 for image in images],
        hashes=np.array([bits for bits, _ in hashes], dtype=np.uint64),
        hash_of=np.array([n for _, n in hashes], dtype=np.int64),
        embeddings=vectors.reshape(len(embeddings), -1) if embeddings else np.zeros((0, 0), dtype=np.float16),
        embedding_of=np.array([n for _, n in embeddings], dtype=np.int64),
    )


def _list(path: str) -> list[str]:
    match Path(path).suffix.lower():
        case ".tar":
            section = SourceSection(kind="webdataset", path=path)
        case ".parquet":
            section = SourceSection(kind="parquet", path=path)
        case _:
            section = SourceSection(path=path)
    try:
        return list_uris(section)
    except RecipeError as error:
        raise RecipeError(f"plan.benchmarks: {path!r} cannot be listed ({error})") from error
