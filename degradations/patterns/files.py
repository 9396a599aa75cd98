"""A pattern as the bytes of a PNG file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.patterns.bank import Pattern


def encode_pattern(pattern: Pattern) -> bytes:
    """PNG of a pattern (uint8 (h, w) or (h, w, 3)): equal patterns give equal bytes."""
    stored = pattern if pattern.ndim == 2 else cv2.cvtColor(pattern, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".png", stored, [cv2.IMWRITE_PNG_COMPRESSION, 4])[1])


def decode_pattern(stored: NDArray[np.uint8]) -> Pattern:
    """The read-only pattern of what OpenCV read from its file."""
    pattern = stored if stored.ndim == 2 else cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)
    pattern = np.ascontiguousarray(pattern, dtype=np.uint8)
    pattern.flags.writeable = False
    return pattern


def write_atomically(path: Path, data: bytes) -> None:
    """Writes beside `path` and renames, so that no reader sees half a file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".making-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
