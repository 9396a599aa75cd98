"""Faults of single pixels and lines: salt and pepper, dead and hot photosites, banding."""

from __future__ import annotations

from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image, Params, pick
from degradations.rng import generator, pixel_seed
from degradations.sampling import mix, stream
from degradations.scene import Scene
from degradations.severity import logarithmic, position

_UNIT = 2.0**-32


@numba.njit(cache=True, nogil=True)
def _salt_and_pepper(image: Image, density: float, colour: bool, seed: np.uint64, out: Image) -> None:
    threshold = np.uint64(density * 4294967296.0)
    high = np.uint64(32)
    for i in range(image.shape[0]):
        for channel in range(3):
            bits = mix(seed, 3 * i + (channel if colour else 0))
            struck = (bits >> high) < threshold
            value = np.uint8(255) if bits & np.uint64(1) else np.uint8(0)
            out[i, channel] = value if struck else image[i, channel]


@numba.njit(cache=True, nogil=True)
def _photosites(image: Image, density: float, seed: np.uint64) -> None:
    """Sets faulty photosites of an RGGB mosaic, in place: full or empty at their own colour, half at the neighbours'.

    Bilinear demosaicing spreads a fault to the adjacent pixels of its colour.
    """
    height, width = image.shape[:2]
    threshold = np.uint64(density * 4294967296.0)
    high = np.uint64(32)
    for y in range(height):
        for x in range(width):
            bits = mix(seed, y * width + x)
            if (bits >> high) >= threshold:
                continue
            channel = (y & 1) + (x & 1)
            value = 255.0 if bits & np.uint64(1) else 0.0
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    if 0 <= y + dy < height and 0 <= x + dx < width:
                        steps = abs(dy) + abs(dx)
                        share = 1.0 if steps == 0 else (0.25 if channel == 1 or steps == 2 else 0.5)
                        if channel == 1 and steps == 2:
                            continue
                        old = image[y + dy, x + dx, channel]
                        image[y + dy, x + dx, channel] = np.uint8(old + share * (value - old) + 0.5)


class ImpulseNoise(Params):
    """salt_and_pepper (.4): share of struck pixels or values, logU(.002, .05), in colour or grey.

    photosites (.3): share of dead and hot photosites, logU(2e-5, 4e-3). banding (.3): standard deviation of line
    offsets, logU(1.5, 12) codes, along rows or columns, part white and part slow.
    """

    mode: Literal["impulse"] = "impulse"
    kind: Literal["salt_and_pepper", "photosites", "banding"]
    strength: float
    colour: bool
    vertical: bool
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, scene: Scene, severity: float) -> ImpulseNoise:
        kind = pick(rng, {"salt_and_pepper": 0.4, "photosites": 0.3, "banding": 0.3})
        ranges = {"salt_and_pepper": (0.002, 0.05), "photosites": (2e-5, 4e-3), "banding": (1.5, 12.0)}
        return cls.model_validate(
            {
                "kind": kind,
                "strength": logarithmic(position(rng, severity), *ranges[kind]),
                "colour": bool(rng.random() < 0.5),
                "vertical": bool(rng.random() < 0.3),
                "seed": pixel_seed(rng),
            }
        )

    def apply(self, image: Image) -> Image:
        if self.kind == "salt_and_pepper":
            out = np.empty(image.shape, dtype=np.uint8)
            flat = np.ascontiguousarray(image).reshape(-1, 3)
            _salt_and_pepper(flat, self.strength, self.colour, stream(self.seed, 0), out.reshape(-1, 3))
            return out
        if self.kind == "photosites":
            out = np.array(image, order="C")
            _photosites(out, self.strength, stream(self.seed, 0))
            return out
        return self._banding(image)

    def _banding(self, image: Image) -> Image:
        lines = image.shape[1] if self.vertical else image.shape[0]
        rng = generator(self.seed, "banding")
        white = rng.standard_normal((lines, 3 if self.colour else 1))
        slow = np.sin(2 * np.pi * (rng.uniform(4, 40) * np.arange(lines) / lines + rng.random()))[:, None]
        offsets = np.broadcast_to(self.strength * (0.8 * white + 0.6 * np.sqrt(2.0) * slow), (lines, 3))
        return _shift_lines(image, offsets.astype(np.float32), self.vertical)


@numba.njit(cache=True, nogil=True)
def _shift_lines(image: Image, offsets: NDArray[np.float32], vertical: bool) -> Image:
    out = np.empty(image.shape, dtype=np.uint8)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            line = x if vertical else y
            for channel in range(3):
                value = np.float32(image[y, x, channel]) + offsets[line, channel] + np.float32(0.5)
                out[y, x, channel] = np.uint8(np.int32(min(max(value, np.float32(0.0)), np.float32(255.0))))
    return out
