"""The degradation "rain"."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Degradation, Image, Params, check_image
from degradations.cues.shrink import shrink
from degradations.light import decode
from degradations.rain.air import LUMINANCE, airlight, drop_light, lifted, optical_thickness
from degradations.rain.compose import compose
from degradations.rain.drawing import draw_params
from degradations.rain.ground import below, facing_up, fresnel, mirrored, puddle_field
from degradations.rain.layers import add_layer
from degradations.rain.lens import lens_drops
from degradations.rain.params import RainParams
from degradations.rain.segments import draw
from degradations.rain.splashes import ripples, splashes
from degradations.rain.streaks import streaks_in
from degradations.rng import generator
from degradations.scene import DepthCue, Scene
from schemas.recipe.degradations.rain import RainSection

Plane = NDArray[np.float32]

#: Share of its light that a soaked, rough surface loses, and its gain in saturation (Lekner and Dorf 1988: water fills
#: the pores, light is scattered more often before it leaves).
_SOAKED, _DEEPER = np.float32(0.45), np.float32(0.35)


class Rain(Degradation[RainParams]):
    """Falling drops before a scene of metric depth, composed in linear light.

    Specification: degradations §9; Marshall and Palmer (1948); Garg and Nayar (2006). Modes: single drops as streaks,
    layers of a bank, the veil of a drizzle with hardly a streak, drops on the glass. All may have a veil, mist above
    the ground, an overcast scene (less saturated, darker), wet ground with mirror glints, splashes and ripples.

    Severity moves the share of drops that reach the camera (the nearest falls at 2 to .12 times the distance of the
    nearest surface; 400 to 12,000 streaks), the rain rate (5-150 mm/h, log-uniform), the visual gain (1-6, log-uniform,
    less for short exposures), the drops' light (.9-3 means of the upper half), and the strengths of the rest.
    """

    name: ClassVar[str] = "rain"
    task: ClassVar[str] = "rain"
    params_type: ClassVar[type[Params]] = RainParams

    def __init__(self, section: RainSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> RainParams:
        """Parameters for a scene at `severity` in [0, 1]; reads the names of the bank of rain in the mode "bank"."""
        return draw_params(self.section, rng, scene, severity)

    def needs(self, params: RainParams) -> frozenset[str]:
        return frozenset({"depth", "patterns.rain"}) if params.layers else frozenset({"depth"})

    def apply(self, image: Image, params: RainParams, scene: Scene) -> Image:
        """A rainy copy of `image` (uint8 (H, W, 3), sRGB). Raises ValueError where the scene has no depth."""
        check_image(image)
        if scene.depth is None:
            raise ValueError("rain needs the scene's depth; give Scene(depth=estimate_depth(image))")
        height, width = image.shape[:2]
        camera, air = params.camera, params.air
        away, nearness = _metric(scene.depth, params)
        focal = camera.focal_px * nearness.shape[1] / width
        small = shrink(image, *nearness.shape)
        light = decode(small)
        upward, sight = facing_up(nearness, focal)
        upward *= below(light @ LUMINANCE)

        puddles = np.zeros_like(nearness)
        if params.ground.wetness > 0:
            rng = generator(params.seed, "puddles")
            puddles = puddle_field(rng, nearness, focal, params.ground.puddles)
        streaks = _opacity(params, scene, (height, width), nearness, upward, puddles, sight)
        sky, rng = scene.depth.sky, generator(params.seed, "air")
        clear = np.exp(-optical_thickness(rng, away, sky, upward, air, camera.far_m))
        lamps = lifted(light, small, air.highlight)
        keep, grey, add = _surfaces(params, lamps, nearness, upward, puddles, sight)
        keep, grey = keep * clear, grey * clear
        add = add * clear[:, :, None] + (np.float32(1.0) - clear)[:, :, None] * airlight(light, sky, air)
        lens = None
        if params.lens is not None:
            behind = keep[:, :, None] * light + (grey * (light @ LUMINANCE))[:, :, None] + add
            rng = generator(params.seed, "lens")
            lens = lens_drops(rng, params.lens, behind, camera.focal_px, height, width)
        return compose(image, keep, grey, add, drop_light(lamps, sky, air), streaks, lens)


def _metric(depth: DepthCue, params: RainParams) -> tuple[Plane, Plane]:
    """Distance in m, and 1/distance, 0 in the sky."""
    near, far = np.float32(1.0 / params.camera.near_m), np.float32(1.0 / params.camera.far_m)
    away = np.float32(1.0) / (depth.disparity * (near - far) + far)
    return away, np.asarray((np.float32(1.0) - depth.sky) / away, dtype=np.float32)


def _opacity(
    params: RainParams,
    scene: Scene,
    size: tuple[int, int],
    nearness: Plane,
    upward: Plane,
    puddles: Plane,
    sight: Plane,
) -> Plane:
    """How much streaks, splashes, rings and layers cover each pixel, float32 (H, W)."""
    plane = np.zeros(size, dtype=np.float32)
    camera, ground = params.camera, params.ground
    for layer in params.layers:
        add_layer(plane, scene.banks["rain"].load(layer.pattern.name), layer, scene.scale, nearness)
    draw(plane, streaks_in(generator(params.seed, "streaks"), params.shower, camera, *size), nearness)
    if ground.splashes:
        rng = generator(params.seed, "splashes")
        thrown = splashes(rng, upward, nearness, camera, size, ground.splashes, ground.splash_gain)
        draw(plane, thrown, nearness)
    if ground.ripples:
        rng = generator(params.seed, "ripples")
        ripples(rng, plane, upward * puddles, nearness, sight, camera, ground.ripples)
    return plane


def _surfaces(
    params: RainParams, light: Plane, nearness: Plane, upward: Plane, puddles: Plane, sight: Plane
) -> tuple[Plane, Plane, Plane]:
    """(keep, grey, add): overcast, wet surfaces send keep·J + grey·Y(J) + add. Shapes (h, w), (h, w), (h, w, 3)."""
    air, ground = params.air, params.ground
    saturation = np.full(nearness.shape, air.saturation, dtype=np.float32)
    level = np.full(nearness.shape, air.dimming, dtype=np.float32)
    if ground.wetness == 0:
        return level * saturation, level * (np.float32(1.0) - saturation), np.zeros_like(light)
    wet = np.float32(ground.wetness) * upward
    film = np.float32(0.1) + np.float32(0.9) * puddles
    glint = wet * film * fresnel(sight) * np.minimum(nearness * np.float32(2.0 * params.camera.near_m), 1.0)
    saturation *= np.float32(1.0) + _DEEPER * wet
    own = level * (np.float32(1.0) - _SOAKED * wet) * (np.float32(1.0) - glint)
    glints = cv2.resize(mirrored(light, upward), nearness.shape[::-1], interpolation=cv2.INTER_LINEAR)
    add = (np.float32(air.dimming) * glint)[:, :, None] * glints.reshape(light.shape)
    return own * saturation, own * (np.float32(1.0) - saturation), np.asarray(add, dtype=np.float32)
