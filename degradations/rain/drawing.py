"""How the parameters of rain are drawn."""

from __future__ import annotations

import math

import numpy as np

from degradations.contract import pick
from degradations.rain.air import extinction_per_km
from degradations.rain.params import Air, Camera, Ground, Layer, LensDrops, Mode, RainParams, Shower
from degradations.rng import pixel_seed
from degradations.scene import Scene
from degradations.severity import LOOSE, linear, logarithmic, position
from schemas.recipe.degradations.rain import RainSection


def draw_params(section: RainSection, rng: np.random.Generator, scene: Scene, severity: float) -> RainParams:
    """Parameters of rain for a scene at `severity` in [0, 1]. Raises ValueError outside."""
    strength = position(rng, severity)
    mode: Mode = pick(rng, section.modes.model_dump())  # type: ignore[assignment]
    camera = _camera(rng, scene, mode)
    shower = _shower(rng, section, severity, strength, mode, camera)
    return RainParams(
        mode=mode,
        camera=camera,
        shower=shower,
        layers=_layers(rng, scene, strength) if mode == "bank" else (),
        air=_air(rng, severity, strength, mode, shower.rate_mm_h),
        ground=_ground(rng, section, severity, strength),
        lens=_lens(rng, strength, camera.focal_px / max(scene.height, scene.width)) if mode == "lens" else None,
        seed=pixel_seed(rng),
    )


def _camera(rng: np.random.Generator, scene: Scene, mode: Mode) -> Camera:
    exposures = (1 / 8, 1 / 40) if mode == "veil" else (1 / 30, 1 / 1000)
    zoom = logarithmic(rng.uniform(), 0.8, 4.0)
    return Camera(
        focal_px=zoom * max(scene.height, scene.width),
        pitch=math.radians(rng.normal(0.0, 7.0)),
        roll=math.radians(rng.normal(0.0, 2.5)),
        exposure_s=logarithmic(rng.beta(1.6, 2.6), *exposures),
        aperture_m=logarithmic(rng.uniform(), 0.0005, 0.02),
        focus_m=zoom * logarithmic(rng.uniform(), 2.0, 20.0),
        near_m=zoom * logarithmic(rng.uniform(), 2.0, 6.0),
        far_m=zoom * logarithmic(rng.uniform(), 60.0, 300.0),
    )


def _shower(
    rng: np.random.Generator,
    section: RainSection,
    severity: float,
    strength: float,
    mode: Mode,
    camera: Camera,
) -> Shower:
    """A short exposure shows single glassy drops, whose opacity is theirs; what is seen of long streaks is more."""
    heavy = strength**0.7  # a few near streaks are hardly seen: half way up there must be many
    gain = logarithmic(position(rng, severity, LOOSE), 1.0, 6.0)
    worst = {"streaks": 12000, "bank": 3000, "veil": 2000, "lens": 4000}[mode]
    return Shower(
        rate_mm_h=logarithmic(position(rng, severity, LOOSE), 5.0, 150.0),
        gain=1.0 + (gain - 1.0) * min(1.0, (30.0 * camera.exposure_s) ** 0.25),
        shelter_m=camera.near_m * logarithmic(heavy, 2.0, 0.12),
        wind_m_s=(rng.normal(0.0, 1.6) * rng.uniform(0.3, 2.0), rng.normal(0.0, 1.5)),
        turbulence=logarithmic(rng.uniform(), 0.01, 0.08),
        most=round(logarithmic(heavy, 400.0, worst)),
        flash=logarithmic(rng.uniform(), 0.5, 8.0) * strength if rng.uniform() < section.flash else 0.0,
    )


def _layers(rng: np.random.Generator, scene: Scene, strength: float) -> tuple[Layer, ...]:
    """One pattern at 2 to 4 distances, so that all streaks fall alike; those farther away are finer."""
    pattern = scene.banks["rain"].draw(rng)
    nearest = logarithmic(rng.uniform(), 0.8, 5.0)
    mirrored, base = bool(rng.integers(2)), rng.uniform(0.9, 1.8)
    opacity = linear(strength, 0.04, 1.0)
    return tuple(
        Layer(
            pattern=pattern,
            distance_m=nearest * 2.0**number,
            zoom=base * 0.75**number,
            offset=(rng.uniform(), rng.uniform()),
            mirrored=mirrored,
            opacity=opacity * rng.uniform(0.5, 1.0),
        )
        for number in range(int(rng.integers(2, 5)))
    )


def _air(rng: np.random.Generator, severity: float, strength: float, mode: Mode, rate: float) -> Air:
    thicker = 2.5 if mode == "veil" else 1.0
    return Air(
        shine=linear(position(rng, severity), 0.9, 3.0),
        ambient=rng.uniform(0.3, 0.95),
        unseen_sky=rng.uniform(0.0, 0.6),
        highlight=logarithmic(rng.uniform(), 1.0, 12.0) if rng.uniform() < 0.5 else 1.0,
        veil_per_km=thicker * extinction_per_km(rate) * logarithmic(strength, 0.05, 2.0),
        spray=linear(strength, 0.0, 0.9) * rng.uniform() ** 2 * thicker,
        airlight=rng.uniform(0.7, 1.1),
        variation=linear(rng.uniform(), 0.05, 0.3),
        saturation=1.0 - strength * rng.uniform(0.0, 0.55),
        dimming=1.0 - strength * rng.uniform(0.0, 0.4),
    )


def _ground(rng: np.random.Generator, section: RainSection, severity: float, strength: float) -> Ground:
    wet = rng.uniform() < section.wet_ground
    splashing, rippling = rng.uniform() < section.splashes, rng.uniform() < section.ripples
    amount = position(rng, severity, LOOSE)
    return Ground(
        wetness=linear(strength, 0.05, 1.0) * rng.uniform(0.4, 1.0) if wet else 0.0,
        puddles=rng.uniform(0.02, 0.5) if wet else 0.0,
        splashes=round(logarithmic(amount, 60.0, 3000.0)) if splashing else 0,
        splash_gain=logarithmic(rng.uniform(), 1.0, 5.0),
        ripples=round(logarithmic(amount, 20.0, 400.0)) if wet and rippling else 0,
    )


def _lens(rng: np.random.Generator, strength: float, zoom: float) -> LensDrops:
    """Few large drops, or many small ones."""
    fine = rng.uniform() < 0.4
    return LensDrops(
        count=round(logarithmic(strength, 4.0, 220.0 if fine else 60.0)),
        glass_m=zoom * (logarithmic(rng.uniform(), 0.06, 0.3) if fine else logarithmic(rng.uniform(), 0.1, 0.5)),
        radius_mm=(0.2, 1.8) if fine else (1.5, 6.0),
        contact_degrees=rng.uniform(30.0, 45.0),
        softness=logarithmic(rng.uniform(), 0.06, 0.7),
    )
