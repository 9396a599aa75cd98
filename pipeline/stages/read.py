"""Read the source's bytes."""

from __future__ import annotations

import hashlib

from pipeline.sources.uri import read_uri
from pipeline.stages.stage import ItemStage
from pipeline.unit import Item


class Read(ItemStage):
    """Fetches the encoded bytes, once for neighbouring variants of one source.

    Rows that the plan excluded end here with the plan's reason. Bytes that are no longer those of the manifest fail.
    """

    name = "read"

    def __init__(self) -> None:
        self._last: tuple[str, bytes] = ("", b"")

    def process(self, item: Item) -> None:
        row = item.row
        if row.exclusion.startswith("failed."):
            item.failed, item.error = row.exclusion, row.exclusion_error
            return
        if row.exclusion:
            item.reasons, item.error = [row.exclusion], row.exclusion_error
            return
        if self._last[0] != row.uri:
            data = read_uri(row.uri)
            digest = hashlib.sha256(data).hexdigest()
            if digest != row.sha256:
                raise ValueError(
                    f"the bytes changed since the plan was made (sha256 {digest[:16]}, planned {row.sha256[:16]}); "
                    "restore the file or start a new dataset"
                )
            self._last = (row.uri, data)
        item.data = self._last[1]
