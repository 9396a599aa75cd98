"""Patterns of a bank laid over a picture."""

from __future__ import annotations

import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.contract import Image, Params
from degradations.light import DECODE, ENCODE
from degradations.patterns.bank import Pattern, PatternChoice
from degradations.scene import Scene

Float = NDArray[np.float32]


class Layer(Params):
    """A pattern of the bank and where it lies. share: of the layers' modulation. turn: degrees.

    scale: of the size at which the pattern covers the picture's long side.
    """

    pattern: PatternChoice
    share: float = Field(gt=0, le=1)
    turn: float
    scale: float = Field(gt=0)
    flip: bool


def draw_layers(rng: np.random.Generator, scene: Scene) -> tuple[Layer, ...]:
    """One to three layers (.6, .28, .12), shares U(.4, 1), any quarter turn ± 12°, scale 1-1.6 (log-uniform)."""
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12]))
    return tuple(
        Layer(
            pattern=scene.banks["moire"].draw(rng),
            share=rng.uniform(0.4, 1.0),
            turn=90.0 * int(rng.integers(4)) + rng.uniform(-12.0, 12.0),
            scale=math.exp(rng.uniform(0.0, math.log(1.6))),
            flip=bool(rng.uniform() < 0.5),
        )
        for _ in range(count)
    )


def laid(pattern: Pattern, layer: Layer, height: int, width: int) -> Image:
    """`pattern` turned, scaled and cut to (height, width, 3); beyond its border it is mirrored."""
    size = max(height, width) / max(pattern.shape[:2]) * layer.scale
    matrix = cv2.getRotationMatrix2D(((pattern.shape[1] - 1) / 2, (pattern.shape[0] - 1) / 2), layer.turn, size)
    matrix[:, 2] += [(width - pattern.shape[1]) / 2, (height - pattern.shape[0]) / 2]
    if layer.flip:
        matrix[0] = [0.0, 0.0, width - 1.0] - matrix[0]
    laid = cv2.warpAffine(pattern, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(laid, dtype=np.uint8).reshape(height, width, 3)


def strengths(patterns: list[Image], layers: tuple[Layer, ...], modulation: float) -> list[float]:
    """The exponent sₖ of each pattern by which the fringes of Π Rₖ^sₖ have about the root mean square `modulation`.

    Fringes are what is left at an eighth of the size: finer texture hardly shows. At most 2.5.
    """
    rms = [max(_fringes(pattern), 1e-3) for pattern in patterns]
    total = math.sqrt(sum(layer.share**2 for layer in layers))
    return [min(2.5, modulation * layer.share / (total * r)) for layer, r in zip(layers, rms, strict=True)]


def _fringes(pattern: Image) -> float:
    small = (max(1, pattern.shape[1] // 8), max(1, pattern.shape[0] // 8))
    ratio = cv2.resize(pattern, small, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(128.0)
    return float(np.sqrt(np.mean((ratio - np.float32(1.0)) ** 2)))


@numba.njit(cache=True, nogil=True)
def _multiply(
    image: Image, patterns: Image, tables: Float, decode: Float, encode: NDArray[np.uint8], out: Image
) -> None:
    # Rows of interleaved channels, one simple loop a step: each becomes vector instructions.
    size = image.shape[1]
    light, index = np.empty(size, dtype=np.float32), np.empty(size, dtype=np.uint16)
    one = np.float32(1.0)
    for y in range(image.shape[0]):
        codes, written = image[y], out[y]
        for i in range(size):
            light[i] = decode[codes[i]]
        for k in range(patterns.shape[0]):
            pattern, table = patterns[k, y], tables[k]
            for i in range(size):
                light[i] *= table[pattern[i]]
        for i in range(size):
            value = light[i] if light[i] < one else one
            index[i] = np.uint16(np.int32(np.sqrt(value) * np.float32(4096.0) + np.float32(0.5)))
        for i in range(size):
            written[i] = encode[index[i]]


def multiplied(image: Image, patterns: list[Image], exponents: list[float]) -> Image:
    """I·Π Rₖ^sₖ in linear light, R = pattern / 128, encoded to sRGB uint8 of the image's shape."""
    height, width = image.shape[:2]
    ratio = (np.arange(256) / 128.0)[None, :]
    tables = (ratio ** np.array(exponents)[:, None]).astype(np.float32)
    stacked = np.stack(patterns).reshape(len(patterns), height, 3 * width)
    out = np.empty((height, 3 * width), dtype=np.uint8)
    _multiply(np.ascontiguousarray(image).reshape(height, -1), stacked, tables, DECODE, ENCODE, out)
    return out.reshape(image.shape)


def blended(image: Image, pattern: Image, strength: float, multiply_share: float) -> Image:
    """UniDemoiré's blend (2025) of `image` A and a pattern B around 1, in display codes: w·AB + (1−w)·(.2(B−1) + burn).

    burn: A + B/2 − ½, clipped; `strength` scales B around 1; w: `multiply_share`. Where B is 1 nothing changes: the
    original's pattern, of mean ½, halved the exposure and needed a normalisation afterwards.
    """
    a = np.arange(256, dtype=np.float32)[None, :]
    b = np.arange(256, dtype=np.float32)[:, None] * np.float32(strength / 128.0) + np.float32(1.0 - strength)
    burn = np.clip(a + (b - 1) * np.float32(127.5), 0, 255)
    w = np.float32(multiply_share)
    mixed = w * a * b + (1 - w) * (np.float32(51.0) * (b - 1) * (a / np.float32(255.0)) + burn)
    table = np.clip(mixed + np.float32(0.5), 0, 255).astype(np.uint8)
    out = np.empty(image.size, dtype=np.uint8)
    _look_up(np.ascontiguousarray(image).reshape(-1), pattern.reshape(-1), table, out)
    return out.reshape(image.shape)


@numba.njit(cache=True, nogil=True)
def _look_up(image: Image, pattern: Image, table: Image, out: Image) -> None:
    for i in range(image.size):
        out[i] = table[pattern[i], image[i]]
