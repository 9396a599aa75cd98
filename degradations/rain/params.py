"""The drawn parameters of rain."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from degradations.contract import Params
from degradations.patterns.bank import PatternChoice

Mode = Literal["streaks", "bank", "veil", "lens"]


class Camera(Params):
    """A pinhole with an aperture before a scene of metric depth 1/(aD + b), in pixels, metres, seconds, radians.

    pitch: upwards positive. roll: of the picture, clockwise positive. focus_m: what is sharp.
    """

    focal_px: float = Field(gt=0)
    pitch: float
    roll: float
    exposure_s: float = Field(gt=0)
    aperture_m: float = Field(gt=0)
    focus_m: float = Field(gt=0)
    near_m: float = Field(gt=0)
    far_m: float = Field(gt=0)


class Shower(Params):
    """Falling drops: rain rate (mm/h), how much more opaque than by geometry a streak is (`gain`), how near the first
    drops fall (`shelter_m`), wind to the right and away from the camera (m/s), its turbulence (share of the speed of
    fall), how many streaks are drawn at most, how much of a flash's light meets a drop at 1 m."""

    rate_mm_h: float = Field(gt=0)
    gain: float = Field(gt=0)
    shelter_m: float = Field(gt=0)
    wind_m_s: tuple[float, float]
    turbulence: float = Field(ge=0)
    most: int = Field(ge=0)
    flash: float = Field(ge=0)


class Layer(Params):
    """A layer of the bank at one distance: enlarged `zoom` times, shifted by shares of its size, perhaps mirrored."""

    pattern: PatternChoice
    distance_m: float = Field(gt=0)
    zoom: float = Field(gt=0)
    offset: tuple[float, float]
    mirrored: bool
    opacity: float = Field(ge=0, le=1)


class Air(Params):
    """Light in the rain. shine: of drops, over the mean of the upper half. ambient: share of that mean, the rest is
    the light around the drop. unseen_sky: share of the mean that a sky above the picture's edge gives. highlight:
    factor on clipped lights. veil_per_km: extinction. spray: optical thickness of the mist above wet ground. airlight:
    over the sky's light. variation: coefficient of variation of the veil. saturation, dimming: of the overcast scene,
    factors."""

    shine: float = Field(gt=0)
    ambient: float = Field(ge=0, le=1)
    unseen_sky: float = Field(ge=0, le=1)
    highlight: float = Field(ge=1)
    veil_per_km: float = Field(ge=0)
    spray: float = Field(ge=0)
    airlight: float = Field(gt=0)
    variation: float = Field(ge=0)
    saturation: float = Field(ge=0, le=1)
    dimming: float = Field(gt=0, le=1)


class Ground(Params):
    """Surfaces that face up. wetness: share of the film's effect. puddles: share of the ground. splashes, ripples:
    how many at most. splash_gain: opacity of droplets over that by geometry."""

    wetness: float = Field(ge=0, le=1)
    puddles: float = Field(ge=0, le=1)
    splashes: int = Field(ge=0)
    splash_gain: float = Field(gt=0)
    ripples: int = Field(ge=0)


class LensDrops(Params):
    """Drops on a pane `glass_m` before the camera: how many at most, radii in mm (log-uniform), contact angle in
    degrees, blur of their rim as a share of the radius."""

    count: int = Field(ge=0)
    glass_m: float = Field(gt=0)
    radius_mm: tuple[float, float]
    contact_degrees: float = Field(gt=0, lt=48)
    softness: float = Field(gt=0, le=1)


class RainParams(Params):
    """Drawn parameters of rain. seed: of everything that is placed at random."""

    mode: Mode
    camera: Camera
    shower: Shower
    layers: tuple[Layer, ...]
    air: Air
    ground: Ground
    lens: LensDrops | None
    seed: int
