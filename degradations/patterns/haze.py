"""Fields of optical thickness: how air that is not evenly hazy lies in a scene."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.fractal import fractal_noise
from degradations.patterns.bank import Pattern

Field = NDArray[np.float32]

#: Exponent of the amplitude spectrum, anisotropy, and how far the domain is warped, in shares of the side.
EXPONENT, STRETCH, WARP = (0.8, 1.2), (1.0, 4.0), (0.01, 0.06)
#: Coefficient of variation of a field.
VARIATION = (0.25, 0.6)


def _noise(rng: np.random.Generator, size: int, smoother: float = 0.0) -> Field:
    """Warped fractal noise with shapes along the horizon: mean 0, standard deviation 1, tileable."""
    # Haze is a sum along the line of sight, which smooths the turbulence that it integrates by about f^−1/2.
    exponent = rng.uniform(*EXPONENT) + 0.5 + smoother
    stretch = float(np.exp(rng.uniform(*np.log(STRETCH))))
    angle = rng.normal(0.0, 0.15)
    noise = fractal_noise(rng, size, exponent, stretch, angle)
    reach = rng.uniform(*WARP) * size
    rows, columns = np.indices((size, size), dtype=np.float32)
    down, right = (np.float32(reach) * fractal_noise(rng, size, 2.2) for _ in range(2))
    tile = cv2.copyMakeBorder(noise, 1, 1, 1, 1, cv2.BORDER_WRAP)
    x, y = np.mod(columns + right, size) + 1.0, np.mod(rows + down, size) + 1.0
    warped = cv2.remap(tile, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray((warped - warped.mean()) / max(float(warped.std()), 1e-6), dtype=np.float32)


def cloud(rng: np.random.Generator, size: int) -> Field:
    """Billows: the exponential of the noise."""
    return np.asarray(np.exp(np.float32(0.7) * _noise(rng, size)))


def wisps(rng: np.random.Generator, size: int) -> Field:
    """Ridges along the zeros of the noise, as drawn-out smoke has."""
    width = np.float32(rng.uniform(0.3, 0.7))
    ridges = 1.0 / (1.0 + (_noise(rng, size, smoother=0.3) / width) ** 2)
    return np.asarray(ridges * np.exp(np.float32(0.5) * _noise(rng, size)), dtype=np.float32)


def patches(rng: np.random.Generator, size: int) -> Field:
    """Banks of fog with clear air between them: the noise beyond a soft threshold."""
    threshold, softness = rng.uniform(-0.4, 0.6), rng.uniform(0.5, 1.2)
    return np.asarray(1.0 / (1.0 + np.exp(-(_noise(rng, size) - threshold) / softness)), dtype=np.float32)


def ground_fog(rng: np.random.Generator, size: int) -> Field:
    """A layer with a ragged top and bottom that fades upwards and repeats like the tile."""
    rows = (np.arange(size, dtype=np.float32) + np.float32(0.5))[:, None] / np.float32(size)
    ragged = np.float32(rng.uniform(0.2, 0.6)) * _noise(rng, size)
    layer = np.exp(np.float32(rng.uniform(0.8, 1.6)) * np.cos(2.0 * np.pi * (rows - np.float32(0.75)) + ragged))
    return np.asarray(layer * np.exp(np.float32(0.3) * _noise(rng, size)), dtype=np.float32)


FAMILIES: tuple[Callable[[np.random.Generator, int], Field], ...] = (cloud, wisps, patches, ground_fog)


def make(rng: np.random.Generator, size: int) -> Pattern:
    """128 times a tileable field of mean 1 and of a coefficient of variation of about .25-.6, uint8 (size, size).

    Four families, equally likely, of noise with the amplitude f^−p, p .8-1.2 in the air and half a power more once it
    is summed along the line of sight, 1-4 times longer along the horizon, its domain warped.
    """
    field = FAMILIES[int(rng.integers(len(FAMILIES)))](rng, size)
    variation = rng.uniform(*VARIATION)
    field = field / np.float32(max(float(field.mean()), 1e-6))
    field = 1.0 + (field - 1.0) * np.float32(variation / max(float(field.std()), 1e-6))
    field = np.clip(field, 0.05, 255.0 / 128.0)
    for _ in range(3):  # clipping moves the mean
        field = np.clip(field / field.mean(), 0.05, 255.0 / 128.0)
    return np.round(128.0 * field).astype(np.uint8)
