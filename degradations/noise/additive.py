"""Noise drawn independently at each pixel of a float32 picture on the 0-255 scale."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.sampling import COUNTS, NORMAL, mix, part, poisson, stream

Float = NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def _add_normal(image: Float, matrix: Float, multiplicative: bool, seed: np.uint64, normal: Float, out: Float) -> None:
    for i in range(image.shape[0]):
        bits = mix(seed, i)
        a, b, c = normal[part(bits, 0)], normal[part(bits, 1)], normal[part(bits, 2)]
        for channel in range(3):
            noise = matrix[channel, 0] * a + matrix[channel, 1] * b + matrix[channel, 2] * c
            value = image[i, channel]
            if multiplicative:
                noise *= value * np.float32(1.0 / 255.0)
            out[i, channel] = value + noise


def add_normal(image: Float, matrix: Float, seed: int, *, multiplicative: bool = False) -> Float:
    """`image` + M·z with z standard normal at each pixel (speckle, times the picture's own value, if multiplicative).

    image: float32 (H, W, 3), 0-255. matrix: float32 (3, 3) on the same scale; σ·I gives colour noise, σ in the first
    column alone grey noise, a root of a covariance matrix correlated noise.
    """
    out = np.empty(image.shape, dtype=np.float32)
    flat = np.ascontiguousarray(image).reshape(-1, 3)
    _add_normal(flat, matrix, multiplicative, stream(seed, 0), NORMAL, out.reshape(-1, 3))
    return out


def colour_matrix(sigma: float, grey: bool) -> Float:
    """The matrix of `add_normal` for noise of standard deviation `sigma` that is equal in all channels or not."""
    matrix = np.zeros((3, 3), dtype=np.float32)
    if grey:
        matrix[:, 0] = sigma
    else:
        np.fill_diagonal(matrix, sigma)
    return matrix


@numba.njit(cache=True, nogil=True)
def _code(value: Any) -> Any:
    value = np.floor(value + np.float32(0.5))
    return min(max(value, np.float32(0.0)), np.float32(255.0))


@numba.njit(cache=True, nogil=True)
def _luma(image: Float, i: int) -> Any:
    weights = np.float32(0.299), np.float32(0.587), np.float32(0.114)
    return weights[0] * image[i, 0] + weights[1] * image[i, 1] + weights[2] * image[i, 2]


@numba.njit(cache=True, nogil=True)
def _count_codes(image: Float, grey: bool) -> int:
    seen = np.zeros(256, dtype=np.bool_)
    for i in range(image.shape[0]):
        if grey:
            seen[int(_code(_luma(image, i)))] = True
        else:
            for channel in range(3):
                seen[int(_code(image[i, channel]))] = True
    return int(seen.sum())


@numba.njit(cache=True, nogil=True)
def _add_poisson(
    image: Float,
    photons: np.float32,
    scale: np.float32,
    grey: bool,
    seed: np.uint64,
    normal: Float,
    counts: NDArray[np.int8],
    out: Float,
) -> None:
    to_rate = photons / np.float32(255.0)
    to_noise = scale * np.float32(255.0) / photons
    for i in range(image.shape[0]):
        if grey:
            rate = _code(_luma(image, i)) * to_rate
            noise = (poisson(rate, mix(seed, i), normal, counts) - rate) * to_noise
            for channel in range(3):
                out[i, channel] = image[i, channel] + noise
        else:
            for channel in range(3):
                rate = _code(image[i, channel]) * to_rate
                count = poisson(rate, mix(seed, 3 * i + channel), normal, counts)
                out[i, channel] = image[i, channel] + (count - rate) * to_noise


def add_poisson(image: Float, photons: float, seed: int, *, grey: bool = False, scale: float = 1.0) -> Float:
    """`image` + scale·(Poisson(v·photons) − v·photons) / photons, v the picture's 8-bit value in [0, 1].

    image: float32 (H, W, 3), 0-255. photons: mean count at white. grey: one count from the luma for all channels.
    """
    out = np.empty(image.shape, dtype=np.float32)
    flat = np.ascontiguousarray(image).reshape(-1, 3)
    _add_poisson(
        flat, np.float32(photons), np.float32(scale), grey, stream(seed, 0), NORMAL, COUNTS, out.reshape(-1, 3)
    )
    return out


def real_esrgan_photons(image: Float, grey: bool) -> float:
    """Photons at white of Real-ESRGAN's Poisson noise: 2^⌈log₂ n⌉, n the number of 8-bit values in the picture."""
    codes = _count_codes(np.ascontiguousarray(image).reshape(-1, 3), grey)
    return float(2 ** math.ceil(math.log2(codes)))
