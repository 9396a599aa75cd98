"""Blur by depth: layers, each spread by the aperture, laid over one another from back to front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numba
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.blur.aperture import aperture
from degradations.blur.taps import convolve, dense
from degradations.contract import Params, pick
from degradations.scene import DepthCue, Scene
from degradations.strength import geometric

Light = NDArray[np.float32]

#: Radius of the circle of confusion at |D − focus| = 1, pixels at a short side of 1024.
RADIUS_PX = (3.0, 40.0)
#: Disparity in focus: on the near subject, beyond it, far away, or in front of everything (missed).
FOCUS = {"near": (0.75, 1.0), "middle": (0.25, 0.75), "far": (0.0, 0.2), "missed": (1.15, 1.6)}
FOCUS_WEIGHTS = {"near": 0.3, "middle": 0.15, "far": 0.2, "missed": 0.35}
#: Blades of the aperture, 0 for a disc.
BLADES = (0, 5, 6, 7, 8, 9)
MOST_LAYERS = 10
#: Radius in pixels from which a layer is computed at half and at quarter size.
COARSE_RADII = (1.8, 6.0)
#: A radius that changes nothing.
SHARP_RADIUS = 0.4


class DefocusParams(Params):
    """radius_px: of the circle of confusion at |D − focus| = 1. focus: disparity in focus; above 1, in front of
    everything. blades, rotation (radians), ring: of the aperture."""

    mode: Literal["defocus"] = "defocus"
    radius_px: float = Field(gt=0)
    focus: float
    blades: int = Field(ge=0)
    rotation: float
    ring: float = Field(ge=-1, le=1)


def draw_defocus(rng: np.random.Generator, scene: Scene, q: float) -> DefocusParams:
    """Radius logU(3, 40) px at quantile `q`; blades disc or 5-9; ring U(−.5, .5)."""
    return DefocusParams(
        radius_px=geometric(*RADIUS_PX, q) * scene.scale,
        focus=rng.uniform(*FOCUS[pick(rng, FOCUS_WEIGHTS)]),
        blades=int(rng.choice(BLADES)),
        rotation=rng.uniform(0.0, 2.0 * np.pi),
        ring=rng.uniform(-0.5, 0.5),
    )


@numba.njit(cache=True, nogil=True)
def _cut(light: Light, position: Light, layer: int, out: Light) -> None:
    one, zero = np.float32(1.0), np.float32(0.0)
    for y in range(light.shape[0]):
        for x in range(light.shape[1]):
            away = position[y, x] - np.float32(layer)
            share = one - (away if away > zero else -away)
            share = share if share > zero else zero
            out[y, x, 0] = share * light[y, x, 0]
            out[y, x, 1] = share * light[y, x, 1]
            out[y, x, 2] = share * light[y, x, 2]
            out[y, x, 3] = share


@numba.njit(cache=True, nogil=True)
def _over(front: Light, back: Light) -> None:
    for y in range(front.shape[0]):
        for x in range(front.shape[1]):
            through = np.float32(1.0) - front[y, x, 3]
            for c in range(4):
                back[y, x, c] = front[y, x, c] + through * back[y, x, c]


@numba.njit(cache=True, nogil=True)
def _unmultiply(layered: Light, out: Light) -> None:
    for y in range(layered.shape[0]):
        for x in range(layered.shape[1]):
            share = np.float32(1.0) / max(layered[y, x, 3], np.float32(1e-3))
            for c in range(3):
                out[y, x, c] = layered[y, x, c] * share


@dataclass(frozen=True)
class _Layers:
    """A picture cut by disparity. light and position (the layer's number, fractional): by halving; radii: pixels at full
    size, one a layer, back to front."""

    light: tuple[Light, ...]
    position: tuple[Light, ...]
    radii: NDArray[np.float64]
    params: DefocusParams

    def spread(self, layer: int, level: int) -> Light:
        """One layer out of focus, premultiplied, float32 (h, w, 4), at 2^−level of the full size."""
        light, position = self.light[level], self.position[level]
        cut = np.empty((*light.shape[:2], 4), dtype=np.float32)
        _cut(light, position, layer, cut)
        radius = float(self.radii[layer]) / 2**level
        if radius < SHARP_RADIUS:
            return cut
        p = self.params
        return convolve(cut, dense(aperture(radius, p.blades, p.rotation, p.ring)))

    def render(self, layers: range, level: int) -> Light:
        """Layers from back to front, premultiplied, float32 (h, w, 4); those of large radii at a coarser level."""
        height, width = self.light[level].shape[:2]
        limit = COARSE_RADII[level] if level < len(COARSE_RADII) else np.inf
        here = [k for k in layers if self.radii[k] < limit]
        first, last = (here[0], here[-1] + 1) if here else (layers.stop, layers.stop)
        out = np.zeros((height, width, 4), dtype=np.float32)
        for part in (range(layers.start, first), here, range(last, layers.stop)):
            if isinstance(part, range) and len(part):
                coarse = self.render(part, level + 1)
                _over(np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)), out)
            elif not isinstance(part, range):
                for k in part:
                    _over(self.spread(k, level), out)
        return out


def _halved(plane: Light) -> Light:
    size = (max(1, plane.shape[1] // 2), max(1, plane.shape[0] // 2))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))


def defocus(light: Light, params: DefocusParams, depth: DepthCue) -> Light:
    """`light` (float32 (H, W, 3), linear) focused at one disparity.

    The circle of confusion has the radius R·|D − focus|, at most 1.6·R. Up to 10 layers of disparity, blended linearly, are
    spread by the aperture with their coverage and laid over one another, so that a sharp edge does not leak into the
    background behind it and a near blur covers what is sharp.
    """
    height, width = light.shape[:2]
    disparity = cv2.resize(depth.disparity, (width, height), interpolation=cv2.INTER_LINEAR)
    low, high = float(disparity.min()), float(disparity.max())
    count = int(np.clip(np.ceil(params.radius_px * (high - low)), 1, MOST_LAYERS - 1)) + 1
    radii = params.radius_px * np.abs(np.linspace(low, high, count) - params.focus)
    position = (disparity - np.float32(low)) * np.float32((count - 1) / max(high - low, 1e-6))
    lights, positions = [light], [np.asarray(position)]
    for _ in COARSE_RADII:
        lights.append(_halved(lights[-1]))
        positions.append(_halved(positions[-1]))
    layers = _Layers(tuple(lights), tuple(positions), radii, params)
    out = np.empty_like(light)
    _unmultiply(layers.render(range(count), 0), out)
    return out
