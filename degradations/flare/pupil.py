"""The light that passes a camera's pupil: blades, dust, scratches, a wiped smear, defocus."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

#: Sides of the aperture, 0 a disc (phones), and how often each occurs.
BLADES, SHARES = (0, 5, 6, 7, 8, 9), (0.4, 0.1, 0.16, 0.12, 0.12, 0.1)
#: Fixed-point fraction bits of OpenCV's drawing.
_BITS = 4


def draw_pupil(rng: np.random.Generator, size: int) -> NDArray[np.complex64]:
    """Complex amplitude behind a pupil, complex64 (size, size).

    An aperture of diameter .4-.7 of the side; on it about 20 specks of dust (opacity .5-1) and 20 scratches of 1-16
    segments (Wu et al. 2021); in four of five, grooves that a finger or cloth has wiped, a phase; defocus up to a wave.
    """
    radius = size * rng.uniform(0.2, 0.35)
    axis = (np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)) / np.float32(radius)
    y, x = axis[:, None], axis[None, :]
    open_share = aperture(rng, x, y, 1.0 / radius)
    open_share *= _dirt(rng, size, radius)
    phase = np.float32(2.0 * math.pi * rng.uniform(0.0, 1.0)) * (x * x + y * y)
    if rng.uniform() < 0.8:
        for _ in range(1 + int(rng.uniform() < 0.25)):
            phase = phase + smear(rng, x, y, size, radius)
    return np.asarray(open_share * np.exp(1j * phase), dtype=np.complex64)


def aperture(rng: np.random.Generator, x: Float, y: Float, pixel: float) -> Float:
    """Open share of each pixel, float32 in [0, 1], of an iris in the unit disc; `pixel`: the size of one.

    Blades are straight to rounded, and none is placed to better than a few thousandths.
    """
    blades = int(rng.choice(BLADES, p=SHARES))
    rho = np.hypot(x, y)
    bound = np.ones_like(rho)
    if blades:
        step = 2.0 * math.pi / blades
        angle = np.mod(np.arctan2(y, x) + np.float32(rng.uniform(0.0, step)), np.float32(2.0 * math.pi))
        sector = np.minimum((angle / np.float32(step)).astype(np.int32), blades - 1)
        reach = (math.cos(step / 2.0) * (1.0 + rng.normal(0.0, 0.004, blades))).astype(np.float32)
        straight = reach[sector] / np.cos(angle - (sector + np.float32(0.5)) * np.float32(step))
        bound = straight + np.float32(rng.uniform(0.0, 0.5)) * (bound - straight)
    return np.asarray(np.clip((bound - rho) / np.float32(pixel) + np.float32(0.5), 0.0, 1.0), dtype=np.float32)


def _dirt(rng: np.random.Generator, size: int, radius: float) -> Float:
    """Share of the light that dust and scratches let pass, float32 (size, size)."""
    clear = np.full((size, size), 255, dtype=np.uint8)
    middle = (size - 1) / 2

    def fixed(point: NDArray[np.float64]) -> NDArray[np.int32]:
        return np.round((middle + point * radius) * 2**_BITS).astype(np.int32)

    for _ in range(max(0, round(rng.normal(20.0, 5.0)))):
        centre, opacity = fixed(rng.uniform(-1.0, 1.0, 2)), 0.5 + 0.5 * rng.uniform()
        speck = math.exp(rng.uniform(math.log(1.5), math.log(16.0))) * size / 1024
        cv2.circle(
            clear,
            (int(centre[0]), int(centre[1])),
            max(1, round(speck * 2**_BITS)),
            round(255 * (1.0 - opacity)),
            -1,
            cv2.LINE_AA,
            _BITS,
        )
    width = max(1, round(2.0 * size / 1024))
    for _ in range(max(0, round(rng.normal(20.0, 5.0)))):
        turns = rng.normal(0.0, 0.25, int(rng.integers(1, 17)))
        direction = rng.uniform(0.0, 2.0 * math.pi) + np.cumsum(turns)
        steps = rng.uniform(0.04, 0.3) * np.stack([np.cos(direction), np.sin(direction)], axis=1)
        points = rng.uniform(-1.0, 1.0, 2) + np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
        shade = round(255 * (1.0 - (0.5 + 0.5 * rng.uniform())))
        cv2.polylines(clear, [fixed(points)], False, shade, width, cv2.LINE_AA, _BITS)
    return clear.astype(np.float32) / np.float32(255.0)


def smear(rng: np.random.Generator, x: Float, y: Float, size: int, radius: float) -> Float:
    """Phase in radians, float32 (size, size), of almost parallel grooves in a film on the front lens.

    They are a grating of random pitch: they spread the light into one long streak across them, which opens like a fan
    by as much as the grooves bend.
    """
    theta = rng.uniform(0.0, math.pi)
    cosine, sine = np.float32(math.cos(theta)), np.float32(math.sin(theta))
    across, along = x * cosine + y * sine, y * cosine - x * sine
    bend = np.float32(math.exp(rng.uniform(math.log(0.008), math.log(0.07))) * rng.choice([-1.0, 1.0]))
    twist = np.float32(rng.normal(0.0, 0.3)) * bend
    groove = across + bend * along * along + twist * along * across
    profile = _grooves(rng, size, rng.uniform(0.35, 1.0)) * np.float32(rng.uniform(0.3, 1.0))
    place = (groove * np.float32(radius) + np.float32(size)) % np.float32(size)
    below = np.minimum(place.astype(np.int32), size - 1)
    film = profile[below] + (place - below) * (profile[(below + 1) % size] - profile[below])
    extent = np.float32(rng.uniform(0.4, 1.2))
    centre = np.float32(rng.uniform(-0.4, 0.4))
    patch = np.exp(-(((along - centre) / extent) ** 2))
    return np.asarray(film * patch, dtype=np.float32)


def _grooves(rng: np.random.Generator, size: int, exponent: float) -> Float:
    """A periodic profile of unit standard deviation, float32 (size,), with amplitude f^−exponent."""
    frequency = np.fft.rfftfreq(size, 1.0 / size)
    frequency[0] = np.inf
    parts = rng.standard_normal((2, frequency.size))
    spectrum = parts[0] + 1j * parts[1]
    wave = np.fft.irfft(spectrum * frequency**-exponent, size)
    return np.asarray(wave / max(float(wave.std()), 1e-9), dtype=np.float32)
