"""Reflection by physics: the images of a scene in the surfaces of a pane."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.blur.aperture import aperture
from degradations.blur.taps import convolve
from degradations.contract import Image, Params
from degradations.light import DECODE
from degradations.reflection.compose import compose
from degradations.reflection.mirrored import lit, resized
from degradations.reflection.pane import SIDE, ghosts, surfaces, visibility
from degradations.rng import pixel_seed
from degradations.scene import Scene
from degradations.severity import logarithmic, position

Mode = Literal["focused", "defocused", "ghosting", "double_glazing"]

#: Mean light of the mirrored scene over that of the picture, before the glass, at severity 0 and 1.
EXPOSURE = (0.5, 12.0)
#: Mean mirrored light over mean transmitted light: at least visible, at most equal.
SHARE = (0.05, 1.0)
#: Distance of the ghosts of a pane by mode, and of the panes of a double glazing, pixels at a short side of 1024.
SHIFT_PX: dict[Mode, tuple[float, float]] = {
    "focused": (1.0, 5.0),
    "defocused": (1.0, 5.0),
    "ghosting": (4.0, 14.0),
    "double_glazing": (1.0, 8.0),
}
PANES_PX = (6.0, 30.0)
#: Radius of the disc of a scene out of focus, pixels at a short side of 1024, and how often it is one.
RADIUS_PX = (2.0, 12.0)
OUT_OF_FOCUS: dict[Mode, float] = {"focused": 0.0, "defocused": 1.0, "ghosting": 0.7, "double_glazing": 0.7}
#: From this radius on, in pixels, a quarter of the size holds all detail; any disc is held by half the size.
QUARTER_FROM = 6.0
#: Mean light of a picture below which it counts as this dark: glass before a black room mirrors all the same.
DARKEST = 0.02


class GlassParams(Params):
    """exposure: mean light of the mirrored scene over the picture's, before the glass. incidence_deg: of the view, in
    the middle. turn_deg: its change from top to bottom and from left to right. shift_px, panes_px: (down, right), from
    front to back surface and from near to far pane. radius_px: of the disc of a scene out of focus, 0 in focus.
    highlight_gain: of its highlights. tint: of the glass, linear RGB. patchiness: standard deviation of ln Ω."""

    mode: Mode
    exposure: float = Field(gt=0)
    incidence_deg: float = Field(ge=0, lt=90)
    turn_deg: tuple[float, float]
    shift_px: tuple[float, float]
    panes_px: tuple[float, float] | None
    radius_px: float = Field(ge=0)
    highlight_gain: float = Field(ge=1)
    tint: tuple[float, float, float]
    patchiness: float = Field(ge=0)
    patch_seed: int


def _towards(rng: np.random.Generator, length: float) -> tuple[float, float]:
    """A vector of `length` in a random direction."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    return float(length * np.sin(angle)), float(length * np.cos(angle))


def draw_glass(rng: np.random.Generator, scene: Scene, severity: float, mode: Mode) -> GlassParams:
    """Parameters of a pane; severity moves the exposure alone."""
    exposure = logarithmic(position(rng, severity), *EXPOSURE)
    shift = _towards(rng, logarithmic(rng.uniform(), *SHIFT_PX[mode]) * scene.scale)
    panes = _towards(rng, logarithmic(rng.uniform(), *PANES_PX) * scene.scale)
    radius = logarithmic(rng.uniform(), *RADIUS_PX) * scene.scale
    red, green, blue = rng.uniform(0.95, 1.0, 3)
    return GlassParams(
        mode=mode,
        exposure=exposure,
        incidence_deg=rng.uniform(0.0, 65.0),
        turn_deg=_towards(rng, rng.uniform(5.0, 25.0)),
        shift_px=shift,
        panes_px=panes if mode == "double_glazing" else None,
        radius_px=radius if rng.uniform() < OUT_OF_FOCUS[mode] else 0.0,
        highlight_gain=logarithmic(rng.uniform(), 1.0, 12.0) if rng.uniform() < 0.5 else 1.0,
        tint=(float(red), float(green), float(blue)),
        patchiness=rng.uniform(0.1, 0.6),
        patch_seed=pixel_seed(rng),
    )


def _reduction(params: GlassParams, other: Image, height: int) -> int:
    """How many times smaller than the picture the mirrored scene may be worked on."""
    if params.radius_px > 0:
        return 4 if params.radius_px >= QUARTER_FROM else 2
    return 1 if other.shape[0] > 0.75 * height else 2


def _mean_light(image: Image) -> NDArray[np.float64]:
    """Mean linear light of each channel, float64 (3,), exactly: from the histogram of codes."""
    counts = [cv2.calcHist([image], [channel], None, [256], [0, 256]).reshape(-1) for channel in range(3)]
    return np.array([count.astype(np.float64) @ DECODE for count in counts]) / (image.shape[0] * image.shape[1])


def mirrored_light(params: GlassParams, other: Image, height: int, width: int) -> NDArray[np.float32]:
    """The images of `other` (uint8 (h, w, 3), sRGB) in the pane: linear light, float32 at a size that holds its detail
    on a picture of (height, width), weights 1 in all."""
    factor = _reduction(params, other, height)
    half = min(2, factor)
    light = lit(resized(other, -(-height // half), -(-width // half)), params.highlight_gain)
    if factor == 4:
        light = np.asarray(
            cv2.resize(light, (-(-width // 4), -(-height // 4)), interpolation=cv2.INTER_AREA), dtype=np.float32
        )
    if params.radius_px > 0:
        disc = aperture(params.radius_px / factor, 0, 0.0, 0.0)
        light = np.asarray(cv2.filter2D(light, -1, disc, borderType=cv2.BORDER_REFLECT_101))
    images = surfaces(params.incidence_deg, params.shift_px, params.panes_px)
    return convolve(light, ghosts(images, factor))


def through_glass(image: Image, params: GlassParams, other: Image) -> Image:
    """`image` (uint8 (H, W, 3), sRGB) behind a pane that mirrors `other` (uint8 (h, w, 3), of the picture's aspect).

    I = tint·T + e·Ω·Σ wᵢ·Rᵢ in linear light. Both pictures are taken as exposed to their own mean, so e·Σw is the ratio
    of mirrored to transmitted light; it is held in [.05, 1]. The exposure is metered through the glass: what the pane
    keeps back is not lost, its tint is.
    """
    height, width = image.shape[:2]
    light = mirrored_light(params, other, height, width)
    omega = visibility(params.incidence_deg, params.turn_deg, params.patchiness, params.patch_seed)
    tint = np.array(params.tint, dtype=np.float32)
    weight = sum(weight for weight, _, _ in surfaces(params.incidence_deg, params.shift_px, params.panes_px))
    share = float(np.clip(params.exposure * weight, *SHARE))
    transmitted = max(float((_mean_light(np.ascontiguousarray(image)) * tint).mean()), DARKEST)
    small = cv2.resize(light, (min(SIDE, width), min(SIDE, height)), interpolation=cv2.INTER_AREA)
    seen = cv2.resize(omega, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    mirrored = max(float((small * seen[:, :, None]).mean(dtype=np.float64)), 1e-3)
    return compose(image, light, omega * np.float32(share * transmitted / mirrored), tint)
