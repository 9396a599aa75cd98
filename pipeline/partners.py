"""Which other photograph a reflection mirrors."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from schemas.source import SourceImage

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
