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
from degradations.blur.assemble import HALF_RADIUS, assemble, halve, halve_light
from degradations.blur.highlights import lift_table
from degradations.blur.taps import convolve, dense
from degradations.contract import Image, Params, pick
from degradations.light import DECODE, ENCODE
from degradations.scene import DepthCue, Scene
from degradations.severity import logarithmic

Light = NDArray[np.float32]

#: Radius of the circle of confusion at |D − focus| = 1, pixels at a short side of 1024.
RADIUS_PX = (3.0, 40.0)
#: Disparity in focus: on the near subject, beyond it, far away, or in front of everything (missed).
FOCUS = {"near": (0.75, 1.0), "middle": (0.25, 0.75), "far": (0.0, 0.2), "missed": (1.15, 1.6)}
FOCUS_WEIGHTS = {"near": 0.3, "middle": 0.15, "far": 0.2, "missed": 0.35}
#: Blades of the aperture, 0 for a disc.
BLADES = (0, 5, 6, 7, 8, 9)
MOST_LAYERS = 9
#: Radius in pixels from which a layer is spread at half and at quarter size; below, sharp and half size are blended.
COARSE_RADII = (HALF_RADIUS, 6.0)


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
        radius_px=logarithmic(q, *RADIUS_PX) * scene.scale,
        focus=rng.uniform(*FOCUS[pick(rng, FOCUS_WEIGHTS)]),
        blades=int(rng.choice(BLADES)),
        rotation=rng.uniform(0.0, 2.0 * np.pi),
        ring=rng.uniform(-0.5, 0.5),
    )


@numba.njit(cache=True, nogil=True)
def _cut(light: Light, position: Light, layer: int, out: Light) -> None:
    one, zero, centre = np.float32(1.0), np.float32(0.0), np.float32(layer)
    for y in range(light.shape[0]):
        for x in range(light.shape[1]):
            share = one - abs(position[y, x] - centre)
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


@dataclass(frozen=True)
class _Layers:
    """A picture cut by disparity. light (h, w, 3) and position (h, w), of each pixel among the layers: at half size;
    radii: pixels at full size, one a layer, back to front."""

    light: Light
    position: Light
    radii: NDArray[np.float64]
    params: DefocusParams

    def lay(self, layer: int, level: int, below: Light) -> None:
        """Lays one layer out of focus over `below`, premultiplied float32 (h, w, 4), at 2^−level of the full size."""
        p, coarse = self.params, 2 ** (level - 1)
        taps = dense(aperture(float(self.radii[layer]) / 2**level, p.blades, p.rotation, p.ring))
        present = np.abs(self.position - np.float32(layer)) < 1.0
        if not present.any():
            return
        rows, columns = (_span(present.any(axis=axis), taps.reach + 2, coarse) for axis in (1, 0))
        cut = np.empty((rows.stop - rows.start, columns.stop - columns.start, 4), dtype=np.float32)
        _cut(self.light[rows, columns], self.position[rows, columns], layer, cut)
        if coarse > 1:  # cut first, so that the light of two depths never mixes
            fine, cut = cut, np.empty((cut.shape[0] // 2, cut.shape[1] // 2, 4), dtype=np.float32)
            halve_light(fine, cut)
        part = below[rows.start // coarse : rows.stop // coarse, columns.start // coarse : columns.stop // coarse]
        _over(convolve(cut, taps), part)

    def render(self, layers: range, level: int) -> Light:
        """Layers from back to front, premultiplied float32 (h, w, 4); those of large radii at a coarser level."""
        height, width = (side // 2 ** (level - 1) for side in self.light.shape[:2])
        limit = COARSE_RADII[level] if level < len(COARSE_RADII) else np.inf
        here = [k for k in layers if self.radii[k] < limit]
        first, last = (here[0], here[-1] + 1) if here else (layers.stop, layers.stop)
        out = np.zeros((height, width, 4), dtype=np.float32)
        if layers.start < first:
            out = _resized(self.render(range(layers.start, first), level + 1), height, width)
        for k in here:
            self.lay(k, level, out)
        if last < layers.stop:
            _over(_resized(self.render(range(last, layers.stop), level + 1), height, width), out)
        return out


def _span(present: NDArray[np.bool_], margin: int, coarse: int) -> slice:
    """The part of an axis where something is present, with a margin of coarse pixels around it, in whole ones."""
    where = np.flatnonzero(present)
    start, stop = int(where[0]) // coarse - margin, -(-int(where[-1] + 1) // coarse) + margin
    return slice(max(0, start) * coarse, min(present.size, stop * coarse))


def _resized(plane: Light, height: int, width: int) -> Light:
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR))


def defocus(image: Image, params: DefocusParams, depth: DepthCue, highlight_gain: float) -> Image:
    """`image` (uint8 (H, W, 3), sRGB), its highlights lifted, focused at one disparity.

    The circle of confusion has the radius R·|D − focus|. Up to 9 layers of disparity, blended linearly, are spread by
    the aperture in linear light together with their coverage and laid over one another, so that a sharp edge does not
    leak into the background behind it and a near blur covers what is sharp. Layers of large radii are spread at half
    and quarter size.
    """
    height, width = image.shape[:2]
    padded = cv2.copyMakeBorder(image, 0, -height % 4, 0, -width % 4, cv2.BORDER_REPLICATE)
    lift = lift_table(highlight_gain)
    half = np.empty((padded.shape[0] // 2, padded.shape[1] // 2, 3), dtype=np.float32)
    halve(padded, DECODE, lift, half)

    low, high = float(depth.disparity.min()), float(depth.disparity.max())
    count = int(np.clip(np.ceil(params.radius_px * (high - low)), 1, MOST_LAYERS - 1)) + 1
    step = max(high - low, 1e-6) / (count - 1)
    radii = params.radius_px * np.abs(low + step * np.arange(count) - params.focus)
    position = _resized((depth.disparity - np.float32(low)) * np.float32(1.0 / step), *half.shape[:2])
    layers = _Layers(half, position, radii, params)
    sharp = np.flatnonzero(radii < COARSE_RADII[0])
    first, last = (int(sharp[0]), int(sharp[-1])) if sharp.size else (count, count - 1)

    def rendered(part: range) -> Light:
        if len(part) == 0:
            return np.empty((0, 0, 4), dtype=np.float32)
        return layers.render(part, 1)

    out = np.empty_like(padded)
    assemble(
        padded,
        DECODE,
        lift,
        ENCODE,
        position[..., None],
        first,
        last,
        (params.focus - low) / step,
        params.radius_px * step,
        half,
        rendered(range(first)),
        rendered(range(last + 1, count)),
        out,
    )
    return np.ascontiguousarray(out[:height, :width])
