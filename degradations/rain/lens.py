"""Drops on a pane before the camera: small lenses that show the scene upside down.

A drop is a spherical cap of contact angle θ. At the share ρ of its radius its surface leans by β, sin β = ρ·sin θ; a
ray that entered through the flat side leaves at asin(n·sin β), n = 1.33 (Snell), turned by δ towards the axis.
"""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.rain.params import LensDrops

Plane = NDArray[np.float32]

WATER = 1.33
#: The largest share of the smaller of two drops that the other covers.
OVERLAP = 0.2
#: Entries of the tables over ρ, from the centre to the rim.
_STEPS = 256


def refraction(contact_degrees: float) -> tuple[Plane, Plane]:
    """tan δ and transmittance at ρ = 0 … 1, float32 (256,) each; transmittance is Fresnel's for unpolarised light, less
    what the steep rim scatters."""
    share = np.linspace(0.0, 1.0, _STEPS)
    inside = np.arcsin(share * np.sin(np.radians(contact_degrees)))
    outside = np.arcsin(np.minimum(WATER * np.sin(inside), 1.0))
    along, across = WATER * np.cos(inside), np.cos(outside)
    s = ((along - across) / (along + across)) ** 2
    other, one = WATER * np.cos(outside), np.cos(inside)
    p = ((one - other) / (one + other)) ** 2
    rim = np.clip((share - 0.55) / 0.45, 0.0, 1.0)
    transmittance = (1.0 - (s + p) / 2) * (1.0 - 0.65 * rim * rim * (3.0 - 2.0 * rim))
    return np.tan(outside - inside).astype(np.float32), transmittance.astype(np.float32)


@numba.njit(cache=True, nogil=True)
def overlap(distance: float, first: float, second: float) -> float:
    """Area that two discs share, over the smaller one's area."""
    small, large = min(first, second), max(first, second)
    if distance >= small + large:
        return 0.0
    if distance <= large - small:
        return 1.0
    d1 = (distance * distance + small * small - large * large) / (2.0 * distance)
    d2 = distance - d1
    cut1, cut2 = min(1.0, max(-1.0, d1 / small)), min(1.0, max(-1.0, d2 / large))
    area = small * small * np.arccos(cut1) - d1 * np.sqrt(max(0.0, small * small - d1 * d1))
    area += large * large * np.arccos(cut2) - d2 * np.sqrt(max(0.0, large * large - d2 * d2))
    return area / (np.pi * small * small)


@numba.njit(cache=True, nogil=True)
def _apart(x: Plane, y: Plane, radius: Plane, most: float) -> NDArray[np.bool_]:
    kept = np.zeros(x.size, dtype=np.bool_)
    for i in range(x.size):
        clear = True
        for j in range(i):
            if kept[j] and overlap(np.hypot(x[i] - x[j], y[i] - y[j]), radius[i], radius[j]) > most:
                clear = False
                break
        kept[i] = clear
    return kept


def placed(rng: np.random.Generator, drops: LensDrops, focal_px: float, height: int, width: int) -> Plane:
    """Drops on the pane, float32 (n, 7): centre x, y and radius in pixels, and four coefficients of their outline.
    No two overlap by more than 20% of the smaller."""
    n = drops.count
    low, high = np.log(drops.radius_mm)
    radius = np.sort(np.exp(rng.uniform(low, high, n)))[::-1] * 1e-3 * focal_px / drops.glass_m
    x, y = rng.uniform(-0.05, 1.05, n) * width, rng.uniform(-0.05, 1.05, n) * height
    kept = _apart(x, y, np.ascontiguousarray(radius), OVERLAP)
    outline = rng.normal(0.0, 0.035, (4, n))
    return np.stack([x, y, radius, *outline], axis=1)[kept].astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _sample(light: Plane, y: float, x: float, channel: int) -> float:
    top, left = int(y), int(x)
    down, right = min(top + 1, light.shape[0] - 1), min(left + 1, light.shape[1] - 1)
    v, u = y - top, x - left
    upper = light[top, left, channel] * (1.0 - u) + light[top, right, channel] * u
    lower = light[down, left, channel] * (1.0 - u) + light[down, right, channel] * u
    return upper * (1.0 - v) + lower * v


@numba.njit(cache=True, nogil=True)
def _mirrored(at: float, size: int) -> float:
    period = 2.0 * size
    at = at % period
    at = period - at if at >= size else at
    return min(at, size - 1.0)


@numba.njit(cache=True, nogil=True)
def _refract(
    drops: Plane, light: Plane, focal: float, softness: float, bend: Plane, clear: Plane, cover: Plane, out: Plane
) -> None:
    height, width = cover.shape
    small_height, small_width = light.shape[:2]
    down, across = small_height / height, small_width / width
    for k in range(drops.shape[0]):
        cx, cy, radius, c2, s2, c3, s3 = drops[k]
        reach = radius * 1.5
        for y in range(max(0, int(cy - reach)), min(height, int(cy + reach) + 2)):
            for x in range(max(0, int(cx - reach)), min(width, int(cx + reach) + 2)):
                dx, dy = x - cx, y - cy
                away = np.sqrt(dx * dx + dy * dy)
                c, s = (dx / away, dy / away) if away > 1e-6 else (0.0, 0.0)
                cc, ss = c * c - s * s, 2.0 * c * s
                outline = 1.0 + c2 * cc + s2 * ss + c3 * (cc * c - ss * s) + s3 * (ss * c + cc * s)
                share = away / (radius * max(outline, 0.6))
                edge = (1.0 + softness / 2 - share) / max(softness, 1.0 / radius)
                if edge <= 0.0:
                    continue
                edge = min(edge, 1.0)
                edge = edge * edge * (3.0 - 2.0 * edge)
                step = min(int(share * (bend.size - 1)), bend.size - 1)
                sy = _mirrored((y - focal * bend[step] * s) * down, small_height)
                sx = _mirrored((x - focal * bend[step] * c) * across, small_width)
                before = cover[y, x]
                joined = before + edge * (1.0 - before)
                part = edge / joined
                for channel in range(3):
                    value = clear[step] * _sample(light, sy, sx, channel)
                    out[y, x, channel] = value * part + (out[y, x, channel] * (1.0 - part) if before > 0.0 else 0.0)
                cover[y, x] = joined


def lens_drops(
    rng: np.random.Generator, drops: LensDrops, light: Plane, focal_px: float, height: int, width: int
) -> tuple[Plane, Plane]:
    """How much drops cover each pixel, float32 (height, width), and the light they refract, float32 (height, width, 3),
    valid where they do.

    light: of the scene, float32 (h, w, 3) of any size; what lies outside of it is mirrored. A drop takes it from a copy
    as small as it shows the scene.
    """
    cover, out = np.zeros((height, width), dtype=np.float32), np.empty((height, width, 3), dtype=np.float32)
    bend, clear = refraction(drops.contact_degrees)
    discs = placed(rng, drops, focal_px, height, width)
    shrunk = focal_px * bend[1] * (_STEPS - 1) / discs[:, 2] * light.shape[0] / height
    levels = np.maximum(np.log2(np.maximum(shrunk * (1.0 + drops.softness), 1.0)), 0.0).astype(int)
    for level in range(levels.max(initial=-1) + 1):
        if level > 0:
            size = max(1, light.shape[1] // 2), max(1, light.shape[0] // 2)
            light = np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_AREA)).reshape(size[1], size[0], 3)
        _refract(discs[levels == level], light, focal_px, drops.softness, bend, clear, cover, out)
    return cover, out
