"""The degradation "haze"."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.contract import Degradation, Image, Params, check_image, pick
from degradations.cues.guided import coefficients
from degradations.cues.shrink import shrink
from degradations.haze.compose import LUMA, compose
from degradations.haze.field import thickness_field
from degradations.haze.lamps import lamp_glow
from degradations.haze.optics import CONTRAST, distance, optical_thickness, place, spread
from degradations.haze.patches import BankPatches, bank_field
from degradations.light import decode
from degradations.rng import pixel_seed
from degradations.scene import DepthCue, Scene
from degradations.severity import LOOSE, logarithmic, position
from schemas.recipe.degradations import HazeSection

#: Rec. 709 luminance of linear light.
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)

Family = Literal["fog", "haze", "smoke", "dusk"]

#: −ln of the mean transmission at severity 0 and 1.
THICKNESS = (0.03, 1.8)
#: Copula parameter of the thickness, which alone makes the strength.
TIGHTER = 20.0
#: Pixels on which transmission is computed.
PIXELS = 30_000


class _Air(NamedTuple):
    """What sets a family apart: airlight level (linear), its tint (linear RGB), scale height in metres; exponent of its
    patches' spectrum and their coefficient of variation."""

    level: tuple[float, float]
    tint: tuple[float, float, float]
    scale_height_m: tuple[float, float]
    exponent: tuple[float, float]
    variation: tuple[float, float]


AIR: dict[str, _Air] = {
    "fog": _Air((0.5, 1.0), (1.0, 1.0, 1.0), (15.0, 120.0), (1.4, 2.2), (0.2, 0.4)),
    "haze": _Air((0.35, 0.95), (1.0, 0.96, 0.88), (30.0, 250.0), (1.8, 2.4), (0.2, 0.4)),
    "smoke": _Air((0.3, 0.8), (1.0, 0.9, 0.78), (15.0, 120.0), (0.9, 1.5), (0.2, 0.6)),
    "dusk": _Air((0.3, 0.85), (1.0, 0.84, 0.72), (30.0, 250.0), (1.8, 2.4), (0.2, 0.4)),
}


class HazeParams(Params):
    """Drawn parameters of haze. Lengths are in metres of the scene; light is linear. thickness: −ln of the land's mean
    transmission. patches: of the bank, None where they are made from the field_* parameters. lamps: how much brighter
    than white a lamp is at night."""

    family: Family
    thickness: float = Field(ge=0)
    near_m: float = Field(gt=0)
    far_m: float = Field(gt=0)
    depth_gamma: float = Field(gt=0)
    scale_height_m: float = Field(gt=0)
    horizon: float
    airlight: tuple[float, float, float]
    airlight_gradient: float
    variation: float = Field(ge=0)
    field_exponent: float
    field_stretch: float = Field(gt=0)
    field_seed: int
    patches: BankPatches | None
    scatter: float = Field(ge=0, le=1)
    scatter_radius: float = Field(ge=0)
    lamps: float = Field(ge=0)


class Haze(Degradation[HazeParams]):
    """Scattering by air between the camera and the scene: I = J·t + A·(1 − t) in linear light, t = e^−τ.

    Source: Koschmieder (1924); specification: degradations §8. Severity moves −ln of the mean transmission from
    .03 to 1.8 (log-uniform), and loosely how high the air reaches. The visibility V (β = 3.912/V) is the one that gives
    this mean over the picture: relative depth does not tell a portrait from a valley, and the specification's 40-2000 m
    left the one white and the other clear. Draws:
    - metric depth 1/(aD^γ + b): near 2-10 m, far 1.5-60 times that (log-uniform: many hazy views have nothing near),
      γ .8-1.6; the sky is at infinity;
    - air that thins out with height: scale height 15-250 m by family, which keeps the sky of thin haze blue;
    - patches that multiply the optical thickness, of mean 1: half are fields of the bank (cloud, wisps, patches, ground
      fog), half are made here, with a spectrum f^−p, p 1.4-2.4, and stretch 1-4 (the recipe weighs the two). Their
      coefficient of variation is .2-.4; only smoke has the specification's rough .2-.6 and p .9-1.5: in clear families
      such patches make near things look wrapped in smoke;
    - airlight .3-1 (.5-1 in fog; a camera meters for the veil, so that air in photographs is grey more often than the
      specification's .65-1), tinted by family (fog neutral, haze (1, .96, .88), smoke and dusk warmer), with a vertical
      gradient of ±12%;
    - in half of the draws, multiple scattering: J is blurred where the air is thick;
    - at night, a glow around lamps, 1-5 times as bright as they show.

    The airlight is scaled by the picture's own white (from the 90th and 99th percentile of its luminance, at least
    .08): air lit by a night or a dusk scene is not brighter than that scene. Transmission is computed on about 30,000
    pixels and carried to full size along the picture's edges (guided filter).
    """

    name: ClassVar[str] = "haze"
    task: ClassVar[str] = "haze"
    params_type: ClassVar[type[Params]] = HazeParams

    def __init__(self, section: HazeSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> HazeParams:
        """Parameters for a scene at `severity` in [0, 1]."""
        family = pick(rng, self.section.modes.model_dump())
        air = AIR[family]
        thickness = logarithmic(position(rng, severity, TIGHTER), *THICKNESS)
        near = logarithmic(rng.uniform(), 2.0, 10.0)
        level = rng.uniform(*air.level)
        tint = np.array(air.tint) ** rng.uniform(0.5, 1.8) * rng.uniform(0.985, 1.015, 3)
        red, green, blue = np.minimum(level * tint, 1.0)
        return HazeParams(
            family=family,
            thickness=thickness,
            near_m=near,
            far_m=near * logarithmic(rng.uniform(), 1.5, 60.0),
            depth_gamma=rng.uniform(0.8, 1.6),
            scale_height_m=logarithmic(position(rng, severity, LOOSE), *air.scale_height_m),
            horizon=rng.uniform(0.25, 0.6),
            airlight=(float(red), float(green), float(blue)),
            airlight_gradient=rng.uniform(-0.12, 0.12),
            variation=rng.uniform(*air.variation),
            field_exponent=rng.uniform(*air.exponent),
            field_stretch=logarithmic(rng.uniform(), 1.0, 4.0),
            field_seed=pixel_seed(rng),
            patches=BankPatches.draw(rng, scene) if pick(rng, self.section.fields.model_dump()) == "bank" else None,
            scatter=rng.uniform(0.2, 0.8) if rng.uniform() < 0.5 else 0.0,
            scatter_radius=logarithmic(rng.uniform(), 6.0, 30.0) * scene.scale,
            lamps=logarithmic(rng.uniform(), 1.0, 5.0),
        )

    def needs(self, params: HazeParams) -> frozenset[str]:
        return frozenset({"depth"} if params.patches is None else {"depth", "patterns.haze"})

    def apply(self, image: Image, params: HazeParams, scene: Scene) -> Image:
        """A hazy copy of `image` (uint8 (H, W, 3), sRGB). Raises ValueError where the scene has no depth."""
        check_image(image)
        if scene.depth is None:
            raise ValueError("haze needs the scene's depth; give Scene(depth=estimate_depth(image))")
        depth = _reduced(scene.depth, *image.shape[:2])
        height, width = depth.disparity.shape
        small = _small(image, height, width)
        light = decode(small)
        luminance = np.asarray(light @ LUMINANCE, dtype=np.float32)
        transmission = np.exp(-_thickness(params, depth, scene))
        guide = np.asarray(small.astype(np.float32) / np.float32(255.0) @ LUMA, dtype=np.float32)
        slope, offset = coefficients(guide, transmission, max(1, min(height, width) // 60), 1e-3)
        glow = None
        if params.scatter > 0:
            glow = _blurred(light, params.scatter_radius * min(height, width) / min(image.shape[:2]))
        airlight = np.array(params.airlight, dtype=np.float32) * _white(luminance)
        rows = np.linspace(0.5, -0.5, image.shape[0], dtype=np.float32)
        fade = np.float32(1.0) + np.float32(params.airlight_gradient) * rows
        lamps = lamp_glow(light, luminance, params.lamps)
        return compose(image, slope, offset, airlight, fade, glow, params.scatter, lamps)


def _reduced(depth: DepthCue, height: int, width: int) -> DepthCue:
    """`depth` at a size by which (height, width) is divided evenly, or itself where it is smaller."""
    factor = max(1, round((height * width / PIXELS) ** 0.5))
    size = max(1, width // factor), max(1, height // factor)
    if size[0] * size[1] >= depth.disparity.size:
        return depth
    disparity, sky = (cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in (depth.disparity, depth.sky))
    return replace(depth, disparity=disparity.reshape(size[::-1]), sky=sky.reshape(size[::-1]))


def _small(image: Image, height: int, width: int) -> Image:
    """`image` at (height, width), by way of half its size where that is larger: halving is vectorised."""
    half = image.shape[0] // 2, image.shape[1] // 2
    if half[0] >= height and half[1] >= width:
        image = shrink(image, *half)
    return shrink(image, height, width)


def _thickness(params: HazeParams, depth: DepthCue, scene: Scene) -> NDArray[np.float32]:
    """Optical thickness of each pixel of `depth`, float32 (h, w)."""
    away = distance(depth.disparity, params.near_m, params.far_m, params.depth_gamma)
    thickness = optical_thickness(away, depth.sky, CONTRAST, params.scale_height_m, params.horizon)
    if params.patches is None:
        field = thickness_field(params.field_seed, params.variation, params.field_exponent, params.field_stretch)
    else:
        field = bank_field(scene.banks["haze"].load(params.patches.pattern.name), params.patches, params.variation)
    thickness *= spread(field, *thickness.shape)
    return thickness * np.float32(place(thickness, depth.sky, float(np.exp(-params.thickness))))


def _white(luminance: NDArray[np.float32]) -> np.float32:
    """How bright the air of a scene may be, in [.08, 1], from its linear `luminance` (h, w)."""
    bright, brightest = np.quantile(luminance[::2, ::2], (0.9, 0.99))
    return np.float32(np.clip(np.sqrt(bright / 0.45 * brightest / 0.7), 0.08, 1.0))


def _blurred(light: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """`light` (h, w, 3) through a Gaussian of `sigma` pixels, at a size that still holds it."""
    factor = max(1, int(sigma / 1.5))
    size = (max(1, light.shape[1] // factor), max(1, light.shape[0] // factor))
    small = cv2.resize(light, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), max(0.3, sigma / factor)))
