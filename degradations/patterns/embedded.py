"""The bank that is there without any file: a few dozen procedural patterns a kind, cached as they are first used."""

from __future__ import annotations

import contextlib
import os
from functools import lru_cache
from pathlib import Path

import cv2

from degradations.patterns.bank import Kind, Pattern, PatternBank
from degradations.patterns.errors import PatternError
from degradations.patterns.files import decode_pattern, encode_pattern, write_atomically

PROVIDER = "embedded"
#: Patterns of the embedded bank, and their side in pixels.
COUNT: dict[Kind, int] = {"moire": 32, "flare": 48, "haze": 24, "rain": 24, "reflection": 24}
SIZE: dict[Kind, int] = {"moire": 1024, "flare": 512, "haze": 256, "rain": 512, "reflection": 512}
SEED = 0


def cache_folder() -> Path:
    """Where made patterns are kept: $TARNISH_CACHE, else tarnish in the user's cache folder."""
    if folder := os.environ.get("TARNISH_CACHE"):
        return Path(folder).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tarnish"


class EmbeddedBank(PatternBank):
    """Makes pattern `name` when it is first loaded and keeps it in `cache_folder()`; a folder that cannot be written
    costs time, not the pattern."""

    def __init__(self, kind: Kind) -> None:
        from degradations.patterns.generate import GENERATOR_VERSION

        self.kind = kind
        self.provider = PROVIDER
        self.version = GENERATOR_VERSION
        self.names = tuple(f"{number:05d}" for number in range(COUNT[kind]))
        self._folder = cache_folder() / "patterns" / f"v{GENERATOR_VERSION}" / kind

    @lru_cache(maxsize=64)  # noqa: B019 (banks live as long as the process)
    def load(self, name: str) -> Pattern:
        if name not in self.names:
            raise PatternError(
                f"pattern {name!r} is not in the embedded {self.kind} bank (00000 to {self.names[-1]}); "
                "the trace was made by another version"
            )
        path = self._folder / f"{name}.png"
        if path.exists() and (kept := cv2.imread(str(path), cv2.IMREAD_UNCHANGED)) is not None:
            return decode_pattern(kept)
        from degradations.patterns.generate import make_pattern

        pattern = make_pattern(self.kind, SEED, int(name), SIZE[self.kind])
        with contextlib.suppress(OSError):
            write_atomically(path, encode_pattern(pattern))
        pattern.flags.writeable = False
        return pattern
