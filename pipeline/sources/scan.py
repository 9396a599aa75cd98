"""Scanning: what a uri holds, for the manifest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from filters.decode_errors import DecodeError
from filters.decoding import decode
from filters.perceptual_hash import perceptual_hash
from pipeline.encoding import clean_extension
from pipeline.sources.uri import read_uri
from schemas.source import Role, SourceImage, Subject


class ScanWorker:
    """Called with a JSON list of [uri, role, subject]; returns the SourceImage rows as a JSON list.

    Hashes the bytes and, when they decode, the picture. What cannot be read gets its uri's hash as key and the error.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels

    def __call__(self, task: bytes) -> bytes:
        rows = [self._scan(*source).model_dump(mode="json") for source in json.loads(task)]
        return json.dumps(rows).encode()

    def _scan(self, uri: str, role: Role, subject: Subject) -> SourceImage:
        try:
            data = read_uri(uri)
        except (OSError, ValueError) as error:
            key = hashlib.sha256(f"unreadable:{uri}".encode()).hexdigest()[:16]
            return SourceImage(
                key=key,
                uri=uri,
                sha256="",
                size=-1,
                role=role,
                subject=subject,
                error=f"{type(error).__name__}: {error}",
            )
        digest = hashlib.sha256(data).hexdigest()
        return SourceImage(
            key=digest[:16],
            uri=uri,
            sha256=digest,
            size=len(data),
            role=role,
            subject=subject,
            **self._picture(data),
        )

    def _picture(self, data: bytes) -> dict[str, Any]:
        try:
            decoded = decode(data, self._max_pixels)
        except DecodeError:
            return {}  # the unit will say why
        return {
            "clean_format": clean_extension(decoded),
            "perceptual_hash": perceptual_hash(decoded.pixels),
            "frames": 1 if decoded.clip is None else len(decoded.clip),
        }
