"""What a built bank says of itself, in a file beside its patterns."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict

from degradations.patterns.bank import Kind

#: Name of the manifest, and of the same while patterns are still being made.
FINISHED, UNFINISHED = "bank.json", "unfinished.json"


class BankManifest(BaseModel):
    """kind, seed, size (pixels a side), count and generator version decide every byte; sha256: of each file by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    seed: int
    size: int
    count: int
    generator: str
    sha256: dict[str, str] = {}

    def version(self) -> str:
        """First 16 hex digits of the sha256 of the manifest: equal banks have equal versions."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]
