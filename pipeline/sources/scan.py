"""Scanning: what a uri holds, for the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filters.decode_errors import DecodeError
from filters.decoding import Decoded, decode
from filters.embedders import build_embedder
from filters.inference import Device
from filters.perceptual_hash import perceptual_hash, reduced
from pipeline.encoding import clean_extension
from pipeline.sources.rows import to_stream
from pipeline.sources.uri import read_uri
from schemas.recipe.embedding import EmbeddingSection
from schemas.source import Role, SourceImage, Subject

Pixels = NDArray[np.uint8]


class ScanWorker:
    """Called with a JSON list of [uri, role, subject, degradation]; returns the SourceImage rows as an Arrow stream.

    Hashes the bytes and, when they decode, the picture, and embeds it if the recipe wants that. What cannot be read
    gets its uri's hash as key and the error.
    """

    def __init__(self, max_pixels: int, section: EmbeddingSection, device: Device = "auto", batch: int = 1) -> None:
        self._max_pixels = max_pixels
        self._embedder = build_embedder(section, device, batch)

    def __call__(self, task: bytes) -> bytes:
        rows: list[SourceImage] = []
        waiting: dict[int, Pixels] = {}
        for source in json.loads(task):
            row, picture = self._scan(*source)
            if picture is not None:
                waiting[len(rows)] = picture
            rows.append(row)
            if self._embedder is not None and len(waiting) == self._embedder.batch:
                self._embed(rows, waiting)
        self._embed(rows, waiting)
        return to_stream(SourceImage, rows)

    def _scan(self, uri: str, role: Role, subject: Subject, degradation: str) -> tuple[SourceImage, Pixels | None]:
        """The row, and the picture to embed if there is one and the recipe wants that."""
        given: dict[str, Any] = {"role": role, "subject": subject, "degradation": degradation}
        try:
            data = read_uri(uri)
        except (OSError, ValueError) as error:
            key = hashlib.sha256(f"unreadable:{uri}".encode()).hexdigest()[:16]
            said = f"{type(error).__name__}: {error}"
            return SourceImage(key=key, uri=uri, sha256="", size=-1, error=said, **given), None
        digest = hashlib.sha256(data).hexdigest()
        row = SourceImage(key=digest[:16], uri=uri, sha256=digest, size=len(data), **given)
        try:
            decoded = decode(data, self._max_pixels)
        except DecodeError:
            return row, None  # the unit will say why
        small = reduced(decoded.pixels)
        row = row.model_copy(update=_picture(decoded, small))
        if self._embedder is None:
            return row, None
        return row, small if self._embedder.reads_reduced else decoded.pixels

    def _embed(self, rows: list[SourceImage], waiting: dict[int, Pixels]) -> None:
        """Embeds the pictures of these rows, by position, and lets go of them."""
        if self._embedder is None or not waiting:
            return
        images: Sequence[Pixels] = list(waiting.values())
        for position, embedding in zip(waiting, self._embedder.embed(images), strict=True):
            rows[position] = rows[position].model_copy(update={"embedding": embedding.tobytes()})
        waiting.clear()


def _picture(decoded: Decoded, small: Pixels) -> dict[str, Any]:
    return {
        "clean_format": clean_extension(decoded),
        "perceptual_hash": perceptual_hash(small),
        "frames": 1 if decoded.clip is None else len(decoded.clip),
    }
