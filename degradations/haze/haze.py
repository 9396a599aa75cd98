"""The degradation "haze"."""

from __future__ import annotations

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
from degradations.haze.optics import distance, optical_thickness, spread
from degradations.light import decode
from degradations.rng import pixel_seed
from degradations.scene import Scene
from degradations.severity import LOOSE, linear, logarithmic, position
from schemas.recipe.degradations import HazeSection

Family = Literal["fog", "haze", "smoke", "dusk"]

#: Visibility in metres at severity 0 and 1.
VISIBILITY_M = (2000.0, 40.0)


class _Air(NamedTuple):
    """What sets a family apart: airlight level (linear), its tint (linear RGB), scale height in metres; exponent of its
    patches' spectrum and their coefficient of variation."""

    level: tuple[float, float]
    tint: tuple[float, float, float]
    scale_height_m: tuple[float, float]
    exponent: tuple[float, float]
    variation: tuple[float, float]


AIR: dict[str, _Air] = {
    "fog": _Air((0.7, 1.0), (1.0, 1.0, 1.0), (15.0, 120.0), (1.4, 2.2), (0.2, 0.4)),
    "haze": _Air((0.65, 0.95), (1.0, 0.96, 0.88), (30.0, 250.0), (1.8, 2.4), (0.2, 0.4)),
    "smoke": _Air((0.65, 0.8), (1.0, 0.9, 0.78), (15.0, 120.0), (0.9, 1.5), (0.2, 0.6)),
    "dusk": _Air((0.65, 0.9), (1.0, 0.84, 0.72), (30.0, 250.0), (1.8, 2.4), (0.2, 0.4)),
}


class HazeParams(Params):
    """Drawn parameters of haze. Lengths are in metres of the scene; light is linear."""

    family: Family
    visibility_m: float = Field(gt=0)
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
    scatter: float = Field(ge=0, le=1)
    scatter_radius: float = Field(ge=0)


class Haze(Degradation[HazeParams]):
    """Scattering by air between the camera and the scene: I = J·t + A·(1 − t) in linear light, t = e^−τ.

    Source: Koschmieder (1924); specification: degradations §8. Severity moves the visibility V from 2000 to 40 m
    (log-uniform; β = 3.912/V) and, loosely, how far away the far is and how high the air reaches. Draws:
    - metric depth 1/(aD^γ + b): near 2-10 m, far 100-2000 m (log-uniform), γ 1-3 (relative depth does not tell a valley
      from a garden); the sky is at infinity;
    - air that thins out with height: scale height 15-250 m by family, which keeps the sky of thin haze blue;
    - patches that multiply the optical thickness: mean 1, coefficient of variation .2-.4, spectrum f^−p with p 1.4-2.4,
      stretch 1-4. Only smoke has the specification's rough .2-.6 and p .9-1.5: in clear families such patches make
      near things look wrapped in smoke;
    - airlight .65-1, tinted by family (fog neutral, haze (1, .96, .88), smoke and dusk warmer), with a vertical
      gradient of ±12%;
    - in half of the draws, multiple scattering: J is blurred where the air is thick.

    The airlight is scaled by the picture's own white (from the 90th and 99th percentile of its luminance, at least
    .08): air lit by a night or a dusk scene is not brighter than that scene. Transmission is computed at the size of
    the depth cue and carried to full size along the picture's edges (guided filter).

    Later: the glow of lamps at night beyond the blur of J, a bank of fields, photographs of haze as fields.
    """

    name: ClassVar[str] = "haze"
    task: ClassVar[str] = "haze"
    params_type: ClassVar[type[Params]] = HazeParams

    def __init__(self, section: HazeSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> HazeParams:
        """Parameters for a scene at `severity` in [0, 1]: visibility 2000 to 40 m."""
        family = pick(rng, self.section.modes.model_dump())
        air = AIR[family]
        visibility = logarithmic(position(rng, severity), *VISIBILITY_M)
        level = rng.uniform(*air.level)
        tint = np.array(air.tint) ** rng.uniform(0.5, 1.3) * rng.uniform(0.985, 1.015, 3)
        red, green, blue = np.minimum(level * tint, 1.0)
        return HazeParams(
            family=family,
            visibility_m=visibility,
            near_m=logarithmic(rng.uniform(), 2.0, 10.0),
            far_m=logarithmic(position(rng, severity, LOOSE), 100.0, 2000.0),
            depth_gamma=linear(position(rng, severity, LOOSE), 1.0, 3.0),
            scale_height_m=logarithmic(position(rng, severity, LOOSE), *air.scale_height_m),
            horizon=rng.uniform(0.25, 0.6),
            airlight=(float(red), float(green), float(blue)),
            airlight_gradient=rng.uniform(-0.12, 0.12),
            variation=rng.uniform(*air.variation),
            field_exponent=rng.uniform(*air.exponent),
            field_stretch=logarithmic(rng.uniform(), 1.0, 4.0),
            field_seed=pixel_seed(rng),
            scatter=rng.uniform(0.2, 0.8) if rng.uniform() < 0.5 else 0.0,
            scatter_radius=logarithmic(rng.uniform(), 6.0, 30.0) * scene.scale,
        )

    def needs(self, params: HazeParams) -> frozenset[str]:
        return frozenset({"depth"})

    def apply(self, image: Image, params: HazeParams, scene: Scene) -> Image:
        """A hazy copy of `image` (uint8 (H, W, 3), sRGB). Raises ValueError where the scene has no depth."""
        check_image(image)
        if scene.depth is None:
            raise ValueError("haze needs the scene's depth; give Scene(depth=estimate_depth(image))")
        height, width = scene.depth.disparity.shape
        small = shrink(image, height, width)
        light = decode(small)
        away = distance(scene.depth.disparity, params.near_m, params.far_m, params.depth_gamma)
        thickness = optical_thickness(away, scene.depth.sky, params.visibility_m, params.scale_height_m, params.horizon)
        field = thickness_field(params.field_seed, params.variation, params.field_exponent, params.field_stretch)
        transmission = np.exp(-thickness * spread(field, height, width))
        guide = np.asarray(small.astype(np.float32) / np.float32(255.0) @ LUMA, dtype=np.float32)
        slope, offset = coefficients(guide, transmission, max(1, min(height, width) // 60), 1e-3)
        glow = None
        if params.scatter > 0:
            glow = _blurred(light, params.scatter_radius * min(height, width) / min(image.shape[:2]))
        airlight = np.array(params.airlight, dtype=np.float32) * _white(light)
        rows = np.linspace(0.5, -0.5, image.shape[0], dtype=np.float32)
        fade = np.float32(1.0) + np.float32(params.airlight_gradient) * rows
        return compose(image, slope, offset, airlight, fade, glow, params.scatter)


def _white(light: NDArray[np.float32]) -> np.float32:
    """How bright the air of a scene may be, in [.08, 1], from its linear `light` (h, w, 3)."""
    luminance = light @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    bright, brightest = np.quantile(luminance, (0.9, 0.99))
    return np.float32(np.clip(np.sqrt(bright / 0.45 * brightest / 0.7), 0.08, 1.0))


def _blurred(light: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """`light` (h, w, 3) through a Gaussian of `sigma` pixels, at a size that still holds it."""
    factor = max(1, int(sigma / 1.5))
    size = (max(1, light.shape[1] // factor), max(1, light.shape[0] // factor))
    small = cv2.resize(light, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), max(0.3, sigma / factor)))
