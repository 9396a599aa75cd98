"""The other photograph that a reflection mirrors."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.decoding import decode
from pipeline.sources.uri import read_uri
from schemas.source import SourceImage

#: Longest side of a partner, pixels: mirrored scenes are out of focus or faint.
_LARGEST = 1536
_OTHER = {"portrait": "scene", "scene": "portrait"}


class Partners:
    """Partners among `sources`: of the same split, decodable, first of their bytes; in an order of their own."""

    def __init__(self, sources: Sequence[SourceImage]) -> None:
        self._groups: dict[tuple[str, str], list[SourceImage]] = defaultdict(list)
        for source in sorted(sources, key=lambda source: (source.key, source.uri)):
            if source.clean_format and not source.error and not source.duplicate_ordinal:
                self._groups[source.split, ""].append(source)
                if source.subject:
                    self._groups[source.split, source.subject].append(source)

    def of(self, source: SourceImage, sample_key: str, seed: int) -> SourceImage | None:
        """Another photograph for this sample, of the other subject where there is one; None when there is no other."""
        other = _OTHER.get(source.subject, "")
        group = self._groups.get((source.split, other)) or self._groups.get((source.split, ""), [])
        group = [one for one in group if one.key != source.key] if len(group) < 3 else group
        if not group:
            return None
        digest = hashlib.sha256(f"{seed}/partner/{sample_key}".encode()).digest()
        place = int.from_bytes(digest[:8], "little") % len(group)
        found = group[place]
        return found if found.key != source.key else group[(place + 1) % len(group)]


@lru_cache(maxsize=2)
def read_partner(uri: str, sha256: str, max_pixels: int) -> NDArray[np.uint8]:
    """The picture behind `uri`, as `decode_partner`. Raises also OSError when it cannot be read."""
    return decode_partner(read_uri(uri), sha256, max_pixels)


def decode_partner(data: bytes, sha256: str, max_pixels: int) -> NDArray[np.uint8]:
    """The picture of `data`, uint8 (h, w, 3), sRGB, its long side at most 1536 pixels, read-only.

    Raises filters.decoding.DecodeError for bytes that are no image, ValueError when they have another hash.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ValueError(
            f"the photograph to mirror has the sha256 {found[:16]}, planned was {sha256[:16]}; bring that one back"
        )
    picture = decode(data, max_pixels).pixels
    factor = _LARGEST / max(picture.shape[:2])
    if factor < 1:
        size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    picture.flags.writeable = False
    return picture
