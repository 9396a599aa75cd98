"""Allocator settings for processes that make many large pictures."""

from __future__ import annotations

import ctypes
import sys

# <malloc.h> of the GNU C library.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEEP = 1 << 30


def keep_freed_memory() -> bool:
    """Lets the C library keep up to 1 GiB of freed memory instead of returning it to the system.

    By default every array of some megabytes is fresh memory whose pages the kernel clears at first touch, which costs
    as much as the arithmetic on it. Call once at the start of a worker process. Returns False, changing nothing,
    where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _KEEP)) and bool(mallopt(_M_TRIM_THRESHOLD, _KEEP))
