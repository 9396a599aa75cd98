"""How much light the degradation took from the clean picture, and how much it added."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

_CODES = np.arange(256) / 255.0
#: Linear light of a code, IEC 61966-2-1 (1999), times the channel's share of luminance: float32 (3, 256).
_LIGHT = np.outer(
    [0.2126, 0.7152, 0.0722], np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4)
).astype(np.float32)


def light(degraded: NDArray[np.uint8], clean: NDArray[np.uint8]) -> dict[str, float]:
    """pair.light_lost: share of the clean picture's light that the degraded one lacks, at most 1, negative where it has
    more; 0 for a black clean picture. pair.light_added: share of the degraded picture's light that lies over the clean
    picture, in [0, 1]: what each pixel has more, summed; 0 for a black one.

    Of luminance in linear light (IEC 61966-2-1), so that a veil, a streak or a mirrored scene counts for the photons
    that it adds. uint8 (H, W, 3), sRGB.
    """
    before, after, added = _sums(degraded.reshape(-1, 3), clean.reshape(-1, 3), _LIGHT)
    return {
        "pair.light_lost": 1.0 - after / before if before > 0.0 else 0.0,
        "pair.light_added": added / after if after > 0.0 else 0.0,
    }


@numba.njit(cache=True, nogil=True)
def _sums(
    degraded: NDArray[np.uint8], clean: NDArray[np.uint8], table: NDArray[np.float32]
) -> tuple[float, float, float]:
    """Light of the clean picture, of the degraded one, and what its pixels have more."""
    before = after = added = 0.0
    for i in range(clean.shape[0]):
        c = table[0, clean[i, 0]] + table[1, clean[i, 1]] + table[2, clean[i, 2]]
        d = table[0, degraded[i, 0]] + table[1, degraded[i, 1]] + table[2, degraded[i, 2]]
        before += c
        after += d
        added += max(d - c, np.float32(0.0))
    return before, after, added
