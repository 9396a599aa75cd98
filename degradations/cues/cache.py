"""Cues kept by source, so that a model sees a photograph once.

A file is a PNG of 16-bit samples with the sha256 of its bytes behind it, which readers of PNG ignore.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.patterns.embedded import cache_folder
from degradations.patterns.errors import PatternError
from degradations.patterns.store import Store
from degradations.scene import DepthCue, MaskCue
from schemas.errors import RecipeError

C = TypeVar("C", DepthCue, MaskCue)

_LEVELS = np.float32(65535.0)
_DIGEST = 32


def cache_store(uri: str) -> Store:
    """The folder or object store `uri` (empty: the user's cache folder). Raises RecipeError when it cannot be used."""
    try:
        return Store(uri or str(cache_folder() / "cues"))
    except PatternError as error:
        raise RecipeError(f"cues.cache: {error}; name a folder, s3://... or gs://...") from error


class CueCache(ABC, Generic[C]):
    """Cues by one version of one provider, in a folder or object store `uri` (empty: the user's cache folder).

    Files are written whole or not at all. One that cannot be read, or is not what was written, counts as missing.
    Raises RecipeError for a uri that cannot be used.
    """

    kind: ClassVar[str]

    def __init__(self, uri: str, provider: str, version: str) -> None:
        self._provider, self._version = provider, version
        self._store = cache_store(uri).inside(self.kind).inside(provider).inside(version)

    def get(self, source: str) -> C | None:
        """The cue of the source with this sha256, if it is here."""
        try:
            data = self._store.inside(source[:2]).read(f"{source}.png")
        except OSError:
            return None
        picture, seal = data[:-_DIGEST], data[-_DIGEST:]
        if hashlib.sha256(picture).digest() != seal:
            return None
        return self._cue(np.asarray(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED)))

    def put(self, source: str, cue: C) -> None:
        """Keeps the cue of the source with this sha256. Raises OSError."""
        picture = bytes(cv2.imencode(".png", self._plane(cue), [cv2.IMWRITE_PNG_COMPRESSION, 4])[1])
        self._store.inside(source[:2]).write(f"{source}.png", picture + hashlib.sha256(picture).digest())

    @abstractmethod
    def _plane(self, cue: C) -> NDArray[np.uint16]: ...

    @abstractmethod
    def _cue(self, plane: NDArray[np.uint16]) -> C: ...


class DepthCache(CueCache[DepthCue]):
    """Depth to 16 bits, disparity above sky."""

    kind = "depth"

    def _plane(self, cue: DepthCue) -> NDArray[np.uint16]:
        return np.rint(np.concatenate([cue.disparity, cue.sky]) * _LEVELS).astype(np.uint16)

    def _cue(self, plane: NDArray[np.uint16]) -> DepthCue:
        disparity, sky = np.split(plane.astype(np.float32) / _LEVELS, 2)
        return DepthCue(disparity, sky, self._provider, self._version)


class MaskCache(CueCache[MaskCue]):
    """Labels, up to 65,536 segments."""

    kind = "masks"

    def _plane(self, cue: MaskCue) -> NDArray[np.uint16]:
        return cue.labels.astype(np.uint16)

    def _cue(self, plane: NDArray[np.uint16]) -> MaskCue:
        return MaskCue(plane.astype(np.int32), self._provider, self._version)
