"""Noise drawn independently at each pixel of a float32 picture on the 0-255 scale."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.quantise import to_codes
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
def _add_poisson(
    image: Float,
    codes: NDArray[np.uint8],
    photons: float,
    scale: float,
    seed: np.uint64,
    normal: Float,
    counts: NDArray[np.int8],
    out: Float,
) -> None:
    """codes: (N, 3) or, for noise equal in all channels, (N, 1)."""
    rates = np.arange(256).astype(np.float32) * np.float32(photons / 255.0)
    spreads = np.sqrt(np.maximum(rates - np.float32(1.0 / 18.0), np.float32(0.0)))
    to_noise = np.float32(scale * 255.0 / photons)
    one, sixth = np.float32(1.0), np.float32(1.0 / 6.0)
    channels = codes.shape[1]
    for i in range(image.shape[0]):
        bits = mix(seed, i)
        noise = np.float32(0.0)
        for channel in range(3):
            if channel < channels:
                code = codes[i, channel]
                if rates[code] >= np.float32(10.0):
                    z = normal[part(bits, channel)]
                    noise = (spreads[code] * z + (z * z - one) * sixth) * to_noise
                else:
                    low = mix(~seed, 3 * i + channel)
                    noise = (poisson(rates[code], low, normal, counts) - rates[code]) * to_noise
            out[i, channel] = image[i, channel] + noise


def add_poisson(image: Float, codes: NDArray[np.uint8], photons: float, seed: int, scale: float = 1.0) -> Float:
    """`image` + scale·(Poisson(v·photons) − v·photons) / photons, v = codes / 255.

    image: float32 (H, W, 3), 0-255. codes: its 8-bit values, (H, W, 3), or its grey values (H, W, 1) for one count a
    pixel. photons: mean count at white. Sampling as in `sampling.poisson`.
    """
    out = np.empty(image.shape, dtype=np.float32)
    flat = np.ascontiguousarray(image).reshape(-1, 3)
    levels = codes.reshape(len(flat), -1)
    _add_poisson(flat, levels, photons, scale, stream(seed, 0), NORMAL, COUNTS, out.reshape(-1, 3))
    return out


def poisson_codes(image: Float, grey: bool) -> NDArray[np.uint8]:
    """The rounded values from which Poisson noise is counted: (H, W, 3), or the luma's (H, W, 1)."""
    if not grey:
        return to_codes(image)
    luma = cv2.transform(image, np.array([[0.299, 0.587, 0.114]], dtype=np.float32))
    return to_codes(luma.reshape(*image.shape[:2], 1))


def real_esrgan_photons(codes: NDArray[np.uint8]) -> float:
    """Photons at white of Real-ESRGAN's Poisson noise: 2^⌈log₂ n⌉, n the number of different codes."""
    unique = int(np.count_nonzero(cv2.calcHist([codes.reshape(-1)], [0], None, [256], [0, 256])))
    return float(2 ** math.ceil(math.log2(unique)))
