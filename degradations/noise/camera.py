"""From display codes to the linear values of a camera's sensor, and back.

Unprocessing follows Brooks et al. 2019 ("Unprocessing Images for Learned Raw Denoising"): inverse tone curve, gamma,
a random convex mix of four cameras' colour matrices, inverse white balance that keeps highlights.
"""

from __future__ import annotations

from typing import Any

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.light import DECODE, ENCODE

Float = NDArray[np.float32]

#: XYZ → camera of four cameras (DNG colour matrices), float64 (4, 3, 3).
_CAMERAS = np.array(
    [
        [[1.0234, -0.2969, -0.2266], [-0.5625, 1.6328, -0.0469], [-0.0703, 0.2188, 0.6406]],
        [[0.4913, -0.0541, -0.0202], [-0.6130, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]],
        [[0.8380, -0.2630, -0.0639], [-0.2887, 1.0725, 0.2496], [-0.0627, 0.1427, 0.5438]],
        [[0.6596, -0.2079, -0.0562], [-0.4782, 1.3016, 0.1933], [-0.0970, 0.1581, 0.5181]],
    ]
)
_SRGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def camera_matrix(mix: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Linear sRGB → camera RGB, (3, 3), each row summing to 1: the cameras weighted by `mix`, which sums to 1."""
    matrix = np.tensordot(np.array(mix), _CAMERAS, axes=1) @ _SRGB_TO_XYZ
    return matrix / matrix.sum(axis=1, keepdims=True)


def _film_tables() -> tuple[Float, Image]:
    codes = np.arange(256) / 255.0
    decode = (0.5 - np.sin(np.arcsin(1.0 - 2.0 * codes) / 3.0)) ** 2.2
    bent = ((np.arange(4097) / 4096.0) ** 2) ** (1.0 / 2.2)
    encode = np.floor((3.0 * bent**2 - 2.0 * bent**3) * 255.0 + 0.5)
    return decode.astype(np.float32), encode.astype(np.uint8)


#: Per tone curve: linear light of each code (256,) and code of L at index √L·4096 (4097,). "film" is gamma 2.2 and the
#: smoothstep 3x² − 2x³, which darkens shadows; "plain" the sRGB curve.
TONES = {"film": _film_tables(), "plain": (DECODE, ENCODE)}


@numba.njit(cache=True, nogil=True, inline="always")
def bent_gain(mean: Any, gain: Any) -> Any:
    """`gain` of an inverse white balance, bent to 1 above a `mean` linear value of .9: white stays saturated."""
    bright = max(mean - np.float32(0.9), np.float32(0.0)) * np.float32(10.0)
    keep = bright * bright
    return max(keep + (np.float32(1.0) - keep) * gain, gain)


@numba.njit(cache=True, nogil=True)
def _mosaic(image: Image, decode: Float, matrix: Float, gains: Float, raw: Float, undo: Float) -> None:
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            r, g, b = decode[image[y, x, 0]], decode[image[y, x, 1]], decode[image[y, x, 2]]
            site = (y & 1) + (x & 1)
            value = matrix[site, 0] * r + matrix[site, 1] * g + matrix[site, 2] * b
            gain = bent_gain((r + g + b) / np.float32(3.0), gains[site])
            raw[y, x] = max(value, np.float32(0.0)) * gain
            undo[y, x] = np.float32(1.0) / gain


def mosaic(image: Image, decode: Float, matrix: NDArray[np.float64], gains: Float) -> tuple[Float, Float]:
    """The picture on an RGGB sensor, float32 (H, W) in [0, 1] of saturation, and the gain that undoes each site.

    gains: float32 (3,), inverse white balance. Above a mean linear value of .9 the gain bends to 1, so that white
    stays saturated.
    """
    raw, undo = np.empty(image.shape[:2], dtype=np.float32), np.empty(image.shape[:2], dtype=np.float32)
    _mosaic(image, decode, matrix.astype(np.float32), gains, raw, undo)
    return raw, undo


@numba.njit(cache=True, nogil=True)
def _demosaic(padded: Float, out: Float) -> None:
    """padded: mosaic (h + 2, w + 2) with its first photosite at (1, 1); out: (h, w, 3), h and w even."""
    half, quarter = np.float32(0.5), np.float32(0.25)
    for y in range(0, out.shape[0], 2):
        a, b, c, d = padded[y], padded[y + 1], padded[y + 2], padded[y + 3]
        upper, lower = out[y], out[y + 1]
        for x in range(0, out.shape[1], 2):
            upper[x, 0] = b[x + 1]
            upper[x, 1] = quarter * (b[x] + b[x + 2] + a[x + 1] + c[x + 1])
            upper[x, 2] = quarter * (a[x] + a[x + 2] + c[x] + c[x + 2])
            upper[x + 1, 0] = half * (b[x + 1] + b[x + 3])
            upper[x + 1, 1] = b[x + 2]
            upper[x + 1, 2] = half * (a[x + 2] + c[x + 2])
            lower[x, 0] = half * (b[x + 1] + d[x + 1])
            lower[x, 1] = c[x + 1]
            lower[x, 2] = half * (c[x] + c[x + 2])
            lower[x + 1, 0] = quarter * (b[x + 1] + b[x + 3] + d[x + 1] + d[x + 3])
            lower[x + 1, 1] = quarter * (c[x + 1] + c[x + 3] + b[x + 2] + d[x + 2])
            lower[x + 1, 2] = c[x + 2]


def demosaic(raw: Float) -> Float:
    """Bilinear interpolation of an RGGB mosaic, float32 (H, W) → (H, W, 3); mirrored borders keep the pattern."""
    height, width = raw.shape
    even = height + height % 2, width + width % 2
    padded = cv2.copyMakeBorder(raw, 1, 1 + height % 2, 1, 1 + width % 2, cv2.BORDER_REFLECT_101)
    out = np.empty((*even, 3), dtype=np.float32)
    _demosaic(padded, out)
    return out[:height, :width]


@numba.njit(cache=True, nogil=True)
def _develop(image: Image, noise: Float, decode: Float, encode: Image, out: Image) -> None:
    block = 1024  # first indices, then look-ups: only so is the root vectorised
    light, index = np.empty(block, dtype=np.float32), np.empty(block, dtype=np.int32)
    for start in range(0, image.size, block):
        size = min(block, image.size - start)
        for i in range(size):
            light[i] = decode[image[start + i]]
        for i in range(size):
            value = light[i] + noise[start + i]
            value = value if value > np.float32(0.0) else np.float32(0.0)
            value = value if value < np.float32(1.0) else np.float32(1.0)
            index[i] = np.int32(np.sqrt(value) * np.float32(4096.0) + np.float32(0.5))
        for i in range(size):
            out[start + i] = encode[index[i]]


def develop(image: Image, noise: Float, to_srgb: NDArray[Any], tone: tuple[Float, Image]) -> Image:
    """The picture with `noise` (float32 (H, W, 3), white-balanced linear camera RGB) added in linear light."""
    out = np.empty(image.shape, dtype=np.uint8)
    light = np.ascontiguousarray(cv2.transform(noise, to_srgb), dtype=np.float32)
    _develop(np.ascontiguousarray(image).reshape(-1), light.reshape(-1), *tone, out.reshape(-1))
    return out
