"""Flare of a point of light: what a lens's aperture, dirt, film, glass and surfaces make of it."""

from __future__ import annotations

import math

import cv2
import numpy as np

from degradations.flare.ghosts import draw_ghosts
from degradations.flare.pupil import draw_pupil
from degradations.flare.spectrum import Float, LogPolar, disperse
from degradations.patterns.bank import Pattern

#: Side at which diffraction is computed, pixels.
_SIDE = 1024
#: Level of the brightest hundredth of a stored pattern: the core above 8 times it is cut off.
_LEVEL = 1.0 / 8.0
#: Ring, in half sides, in which the parts are weighed against each other.
_RING = (0.08, 0.2)


def make(rng: np.random.Generator, size: int) -> Pattern:
    """A flare pattern, uint8 (size, size, 3): 255·√L of linear light, the source in the middle.

    Diffraction of white light by a dirty pupil (|FFT|², grown in proportion to the wavelength), a glare
    (1 + (r/r₀)²)^−p, often a shimmer of rays, and in three of ten ghosts on a line to the right through the picture's
    centre. Fades to black before the border. A random fraction is added before rounding down, so faint slopes show no
    steps. Specification: degradations §6; Wu et al. 2021, Dai et al. 2022.
    """
    polar = LogPolar(_SIDE)
    samples = _scatter(rng, polar)
    light = polar.roll(samples)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), math.exp(rng.uniform(math.log(0.6), math.log(2.5)))))
    if rng.uniform() < 0.3:
        level = float(np.quantile(light[::8, ::8], 0.99))
        light += np.float32(level * math.exp(rng.uniform(math.log(0.1), math.log(0.5)))) * draw_ghosts(rng, _SIDE)
    light *= _fade(polar.side)[:, :, None]
    if size != _SIDE:
        how = cv2.INTER_AREA if size < _SIDE else cv2.INTER_LINEAR
        light = np.asarray(cv2.resize(light, (size, size), interpolation=how))
    light *= np.float32(_LEVEL / max(float(np.quantile(light.max(axis=2), 0.99)), 1e-12))
    codes = np.float32(255.0) * np.sqrt(np.clip(light, 0.0, 1.0)) + rng.random(light.shape, dtype=np.float32)
    return np.minimum(codes, 255.0).astype(np.uint8)


def _scatter(rng: np.random.Generator, polar: LogPolar) -> Float:
    """Diffraction, glare and shimmer, linear sRGB, float32 (angles, radii, 3)."""
    amplitude = np.fft.fftshift(np.fft.fft2(draw_pupil(rng, _SIDE)))
    intensity = np.asarray(amplitude.real**2 + amplitude.imag**2, dtype=np.float32)
    smoothing = math.exp(rng.uniform(math.log(0.04), math.log(0.2)))
    samples = disperse(polar.unroll(intensity, (_SIDE / 2, _SIDE / 2)), polar, smoothing)
    radius = polar.radius / np.float32((polar.side - 1) / 2)
    ring = slice(*np.searchsorted(radius, _RING))
    samples *= np.float32(math.exp(rng.uniform(math.log(0.5), math.log(2.0))) / float(samples[:, ring].mean()))
    parts = _glare(rng, radius), _shimmer(rng, polar, radius)
    shares = math.exp(rng.uniform(math.log(0.4), math.log(3.0))), math.exp(rng.uniform(math.log(0.05), math.log(0.6)))
    for part, share in zip(parts, shares, strict=True):
        samples += part * np.float32(share / float(part[:, ring].mean()))
    return samples


def _glare(rng: np.random.Generator, radius: Float) -> Float:
    """Light scattered in the glass, float32 (1, radii, 3), a little wider in some colours."""
    widest = math.exp(rng.uniform(math.log(0.02), math.log(0.15)))
    width = (widest * (1.0 + rng.normal(0.0, 0.05) * np.array([1.0, 0.0, -1.0]))).astype(np.float32)
    power = np.float32(rng.uniform(1.0, 1.5))
    return np.asarray((1.0 + (radius[:, None] / width) ** 2) ** -power, dtype=np.float32)[None]


def _shimmer(rng: np.random.Generator, polar: LogPolar, radius: Float) -> Float:
    """Short rays of every direction, float32 (angles, radii, 3): noise by angle, fading as e^(−r/reach)."""
    waves = np.fft.rfftfreq(polar.angles, 1.0 / polar.angles)
    finest = math.exp(rng.uniform(math.log(30.0), math.log(200.0)))
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal((2, polar.angles))) * np.exp(-((waves / finest) ** 2)))
    strength, length = np.exp(rng.uniform(0.3, 0.8) * noise / noise.std(axis=1, keepdims=True))
    reach = rng.uniform(0.03, 0.15) * length[:, None] ** 0.5
    rays = strength[:, None] * np.exp(-radius / reach)
    tint = 1.0 + rng.normal(0.0, 0.05, 3)
    return np.asarray(rays[:, :, None] * tint, dtype=np.float32)


def _fade(side: int) -> Float:
    """1 within .3 of half the side of the middle, 0 at the border, float32 (side, side)."""
    axis = (np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2)) / np.float32(side / 2)
    x = np.clip((np.hypot(axis[:, None], axis[None, :]) - np.float32(0.3)) / np.float32(0.7), 0.0, 1.0)
    return np.asarray(1.0 - x * x * (3.0 - 2.0 * x), dtype=np.float32)
