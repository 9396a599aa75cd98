"""The light of rain: what drops, veil and overcast sky send to the camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.fractal import fractal_noise
from degradations.rain.params import Air

Plane = NDArray[np.float32]
#: Linear RGB, float32 (3,).
Colour = NDArray[np.float32]

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
#: Linear RGB of an overcast sky over its luminance, about 6900 K.
OVERCAST = np.array([0.98, 1.0, 1.04], dtype=np.float32)
#: Extinction coefficient of rain in 1/km at 1 mm/h, and its exponent in the rate (Atlas 1953).
EXTINCTION, EXPONENT = 0.312, 0.67
#: Smoothstep from .85 to 1 of each sRGB code / 255, float32 (256,).
_CODES = np.clip((np.arange(256) / 255.0 - 0.85) / 0.15, 0.0, 1.0)
_CLIPPING = (_CODES * _CODES * (3.0 - 2.0 * _CODES)).astype(np.float32)
#: How far at most one looks into the rain before the sky, m; else twice as far as to the farthest land.
CLOUD_M = 700.0
#: A mist of splashes is dense from this distance on, m.
_SPRAY_M = 12.0
#: A drop is at most this much brighter than the brightest two per cent of the scene, part of which it shows.
_BRIGHTEST = 1.15
#: Share of the picture that must be sky for its brightest to be the sky's; where none is, the sky is twice as bright.
_SKY_SHARE = 0.05


def extinction_per_km(rate_mm_h: float) -> float:
    """β ≈ .312·R^.67 in 1/km at a rain rate in mm/h."""
    return float(EXTINCTION * rate_mm_h**EXPONENT)


def lifted(light: Plane, codes: NDArray[np.uint8], gain: float) -> Plane:
    """Linear `light` (float32 (h, w, 3)) with clipped lights `gain` times as bright: 1 + (gain − 1)·smoothstep of the
    largest sRGB code / 255 from .85 to 1. Lamps are small: where a twentieth of the picture is clipped, it is the sky,
    and stays as it is."""
    if gain <= 1.0:
        return light
    red, green, blue = cv2.split(codes)
    t = _CLIPPING[np.maximum(np.maximum(red, green), blue)]
    more = np.float32((gain - 1.0) * max(0.0, 1.0 - 20.0 * float(t.mean())))
    return light * (np.float32(1.0) + more * t)[:, :, None]


def upper_mean(light: Plane) -> Colour:
    """Mean of the upper half of `light` (float32 (h, w, 3)): a drop refracts light from 165° around, mostly sky."""
    return np.array(cv2.mean(light[: max(1, light.shape[0] // 2)])[:3], dtype=np.float32)


def drop_light(light: Plane, sky: Plane, air: Air) -> Plane:
    """Light of a drop by place, float32 (h, w, 3), small: `shine` times a mean of the upper half, of the sky above the
    picture (as bright as its brightest) and of the light around the drop, half desaturated, and not much brighter than
    the brightest. Proportional to `light`. sky: its share of each pixel, float32 (h, w).
    """
    height, width = light.shape[:2]
    factor = max(1, min(height, width) // 24)
    size = (max(1, width // factor), max(1, height // factor))
    around = cv2.GaussianBlur(cv2.resize(light, size, interpolation=cv2.INTER_AREA), (0, 0), 3.0)
    hidden = 1.0 - min(1.0, float(sky.mean()) / _SKY_SHARE)
    brightest = np.float32((1.0 + hidden) * np.quantile(light[::2, ::2] @ LUMINANCE, 0.98))
    wide = upper_mean(light)
    wide = wide + np.float32(air.unseen_sky) * (brightest * OVERCAST - wide)
    near = around.reshape(size[1], size[0], 3)
    mixed = near + np.float32(air.ambient) * (wide - near)
    luminance = (mixed @ LUMINANCE)[:, :, None]
    most = np.float32(_BRIGHTEST) * brightest
    factor = np.minimum(np.float32(air.shine), most / np.maximum(luminance, np.float32(1e-6)))
    return np.asarray(np.float32(0.5) * factor * (mixed + luminance * OVERCAST), dtype=np.float32)


def airlight(light: Plane, sky: Plane, air: Air) -> Colour:
    """Light of the veil, linear RGB, proportional to `light`: grey, as bright as the bright parts of the upper half
    and, where a sky is seen (its share of each pixel: float32 (h, w)), mostly as that, which is dark at night."""
    luminance = light[: max(1, light.shape[0] // 2)] @ LUMINANCE
    level = np.sqrt(np.float64(luminance.mean()) * np.float64(np.quantile(luminance, 0.9)))
    seen = min(1.0, float(sky.mean()) / _SKY_SHARE)
    if seen > 0.0:
        own = float((light @ LUMINANCE * sky).sum(dtype=np.float64) / sky.sum(dtype=np.float64))
        level = level ** (1.0 - 0.7 * seen) * own ** (0.7 * seen)
    return np.asarray(np.float32(air.airlight * level) * OVERCAST, dtype=np.float32)


def optical_thickness(
    rng: np.random.Generator, away: Plane, sky: Plane, upward: Plane, air: Air, far_m: float
) -> Plane:
    """τ of the veil, float32 (h, w): along the line of sight, in upright sheets, and in the mist above wet ground.

    away: metres, far_m at most on land. sky: its share of each pixel. upward: how much surfaces face up.
    """
    height, width = away.shape
    cloud = np.float32(min(CLOUD_M, 2.0 * far_m + 100.0))
    seen = np.minimum(away, cloud) * (np.float32(1.0) - sky) + cloud * sky
    thickness = np.float32(air.veil_per_km / 1000.0) * seen
    if air.spray > 0:
        high, wide = max(1, height // 8) | 1, max(1, width // 24) | 1
        mist = cv2.blur(upward * np.minimum(away / np.float32(_SPRAY_M), 1.0), (wide, high))
        mist = cv2.blur(mist, (wide, high))
        thickness = thickness + np.float32(air.spray) * mist * (np.float32(1.0) - sky)
    sheets = np.exp(np.float32(np.sqrt(np.log1p(air.variation**2))) * fractal_noise(rng, 64, 1.8, 0.15))
    sheets = cv2.resize(sheets / sheets.mean(), (width, height), interpolation=cv2.INTER_CUBIC)
    thickness = thickness * np.maximum(sheets, np.float32(0.0))
    return np.asarray(thickness, dtype=np.float32)
