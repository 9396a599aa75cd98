"""Sensor noise of a blurred picture: it stays sharp."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image, Params
from degradations.rng import pixel_seed
from degradations.sampling import NORMAL, mix, part, stream
from degradations.severity import logarithmic

Float = NDArray[np.float32]


class Grain(Params):
    """sigma: standard deviation of white noise at middle grey, codes; √2 times that in black, less in white. shared:
    the share that all channels have in common."""

    sigma: float
    shared: float
    seed: int


def draw_grain(rng: np.random.Generator) -> Grain | None:
    """In half of the draws, σ logU(.5, 5) codes, shared U(.3, .8)."""
    if rng.uniform() < 0.5:
        return None
    return Grain(sigma=logarithmic(rng.uniform(), 0.5, 5.0), shared=rng.uniform(0.3, 0.8), seed=pixel_seed(rng))


@numba.njit(cache=True, nogil=True)
def _add(image: Image, deviation: Float, shared: float, own: float, seed: np.uint64, normal: Float, out: Image) -> None:
    common, single = np.float32(shared), np.float32(own)
    for i in range(image.shape[0]):
        bits = mix(seed, i)
        luma = common * normal[part(bits, 3)]
        for channel in range(3):
            code = image[i, channel]
            value = code + deviation[code] * (luma + single * normal[part(bits, channel)]) + np.float32(0.5)
            out[i, channel] = np.uint8(np.int32(min(max(value, np.float32(0.0)), np.float32(255.0))))


def with_grain(image: Image, grain: Grain) -> Image:
    """`image` (uint8 (H, W, 3), sRGB) with this noise added."""
    deviation = (grain.sigma * np.sqrt(2.0 - 2.0 * np.arange(256) / 255.0 + 0.2)).astype(np.float32)
    own = float(np.sqrt(1.0 - grain.shared**2))
    out = np.empty(image.shape, dtype=np.uint8)
    flat = np.ascontiguousarray(image).reshape(-1, 3)
    _add(flat, deviation, grain.shared, own, stream(grain.seed, 0), NORMAL, out.reshape(-1, 3))
    return out
