"""Surfaces that face up, and what water does to them."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.fractal import fractal_noise

Plane = NDArray[np.float32]

#: Reflectance of water at normal incidence, n = 1.33.
_R0 = np.float32(0.02)
#: Metres of ground that the field of puddles spans.
_FIELD_M = 24.0
#: Most that a surface roughened by rain reflects.
_MOST = np.float32(0.5)


def _smoothstep(low: float, high: float, values: Plane) -> Plane:
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return np.asarray(t * t * (np.float32(3.0) - np.float32(2.0) * t), dtype=np.float32)


def facing_up(nearness: Plane, focal: float) -> tuple[Plane, Plane]:
    """How much each surface faces up, in [0, 1], and the cosine between its normal and the line of sight.

    nearness: 1/z in 1/m, float32 (h, w). focal: in its pixels. With q = 1/z, a plane aX + bY + cZ = 1 shows as
    q = a·u + b·v + c, (u, v) = pixel/focal: a, b, c follow from the slopes of q, and (a, b, c) is the normal.
    """
    height, width = nearness.shape
    reach = max(1, min(height, width) // 100)
    smooth = cv2.blur(nearness, (4 * reach + 1, 2 * reach + 1), borderType=cv2.BORDER_REPLICATE)
    steps = np.arange(-reach, reach + 1, dtype=np.float32)
    line = steps / np.float32((steps * steps).sum())
    one = np.ones(1, np.float32)
    down = cv2.sepFilter2D(smooth, -1, one, line, borderType=cv2.BORDER_REPLICATE) * np.float32(focal)
    right = cv2.sepFilter2D(smooth, -1, line, one, borderType=cv2.BORDER_REPLICATE) * np.float32(focal)
    margin = 2 * reach  # of the border that the window crosses: the slopes of the nearest whole one
    if min(height, width) > 2 * margin:
        for slopes in (down, right):
            slopes[:margin], slopes[-margin:] = slopes[margin], slopes[-margin - 1]
            slopes[:, :margin], slopes[:, -margin:] = slopes[:, [margin]], slopes[:, [-margin - 1]]
    u = ((np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)) / np.float32(focal))[None, :]
    v = ((np.arange(height, dtype=np.float32) - np.float32((height - 1) / 2)) / np.float32(focal))[:, None]
    away = smooth - u * right - v * down
    size = np.sqrt(right * right + down * down + away * away) + np.float32(1e-9)
    sight = smooth / (size * np.sqrt(np.float32(1.0) + u * u + v * v))
    return _smoothstep(0.7, 0.92, down / size), np.clip(sight, 0.0, 1.0)


def puddle_field(rng: np.random.Generator, nearness: Plane, focal: float, share: float) -> Plane:
    """Where water stands, in [0, 1], float32 (h, w): `share` of level ground, patches fixed to the ground."""
    field = fractal_noise(rng, 64, 1.6)
    level = np.float32(np.quantile(field, 1.0 - share))
    patches = np.clip((field - level) * np.float32(2.0) + np.float32(0.5), 0.0, 1.0)
    width = nearness.shape[1]
    away = np.float32(1.0) / np.maximum(nearness, np.float32(1e-3))
    u = (np.arange(width, dtype=np.float32) - np.float32(width / 2)) / np.float32(focal)
    scale = np.float32(field.shape[0] / _FIELD_M)
    return np.asarray(
        cv2.remap(patches, u[None, :] * away * scale, away * scale, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    )


def fresnel(cosine: Plane) -> Plane:
    """Reflectance of water seen at an angle to its normal of this cosine (Schlick 1994), at most .5: waves turn the
    surface out of the grazing angles at which it would reflect all."""
    exact = _R0 + (np.float32(1.0) - _R0) * (np.float32(1.0) - cosine) ** 5
    return np.asarray(np.minimum(exact, _MOST), dtype=np.float32)


def below(light: Plane) -> Plane:
    """Where ground may be, in [0, 1], float32 (h, w): in the lower two thirds, and not as bright as the sky.

    light: luminance, float32 (h, w). A guard against depth that takes the sky for ground.
    """
    rows = (np.arange(light.shape[0], dtype=np.float32) + np.float32(0.5)) / np.float32(light.shape[0])
    side = max(1, min(light.shape) // 20) | 1
    bright = cv2.blur(light, (side, side)) / np.float32(max(float(np.quantile(light[::2, ::2], 0.97)), 1e-6))
    return np.asarray(_smoothstep(0.3, 0.5, rows)[:, None] * (np.float32(1.0) - _smoothstep(0.75, 1.0, bright)))


@numba.njit(cache=True, nogil=True)
def _feet(upward: Plane, out: Plane) -> None:
    """Row of the lowest thing that stands above each pixel, as long as a thirtieth of the height."""
    height, width = upward.shape
    long = max(1, height // 30)
    for x in range(width):
        foot, run = height // 3, 0
        for y in range(height):
            run = run + 1 if upward[y, x] < np.float32(0.3) else 0
            if run >= long:
                foot = y
            out[y, x] = foot


def mirrored(light: Plane, upward: Plane) -> Plane:
    """What a rough wet ground mirrors: `light` (float32 (h, w, 3)) about the foot of what stands on it, drawn out
    upright, as glints on water are. Smaller than `light`, as nothing fine is left."""
    height, width = max(1, upward.shape[0] // 2), max(1, upward.shape[1] // 2)
    light = np.asarray(cv2.resize(light, (width, height), interpolation=cv2.INTER_AREA)).reshape(height, width, 3)
    upward = np.asarray(cv2.resize(upward, (width, height), interpolation=cv2.INTER_AREA))
    feet = np.empty((height, width), dtype=np.float32)
    _feet(upward, feet)
    feet = cv2.blur(feet, (max(1, width // 8) | 1, max(1, height // 24) | 1), borderType=cv2.BORDER_REPLICATE)
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    source = np.maximum(np.float32(2.0) * feet - rows, 0.0).astype(np.float32)
    columns = np.ascontiguousarray(np.broadcast_to(columns, source.shape))
    out = cv2.remap(light, columns, source, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    tall = max(1, height // 14) | 1
    out = cv2.blur(out.reshape(light.shape), (3, tall), borderType=cv2.BORDER_REPLICATE)
    out = cv2.blur(out.reshape(light.shape), (max(1, tall // 4) | 1, tall), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(out.reshape(light.shape))
