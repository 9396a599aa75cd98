"""The degradation "blur"."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from degradations.blur.camera_shake import CameraShakeParams, draw_camera_shake, shake_taps
from degradations.blur.defocus import DefocusParams, defocus, draw_defocus
from degradations.blur.grain import Grain, draw_grain, with_grain
from degradations.blur.highlights import decode_lifted
from degradations.blur.object_motion import ObjectMotionParams, draw_object_motion, object_motion
from degradations.blur.taps import convolve_image
from degradations.blur.trajectory import TrajectoryParams, draw_trajectory, trajectory_taps
from degradations.blur.video import VideoParams, averaged, draw_video
from degradations.blur.web import WebParams, draw_web, web
from degradations.contract import Degradation, Image, Params, check_image, pick
from degradations.light import encode
from degradations.scene import Scene
from degradations.severity import logarithmic, position
from schemas.recipe.degradations import BlurSection

#: Modes and the functions that draw their parameters.
DRAWS = {
    "camera_shake": draw_camera_shake,
    "trajectory": draw_trajectory,
    "object_motion": draw_object_motion,
    "defocus": draw_defocus,
    "video": draw_video,
    "web": draw_web,
}

#: What modes read from the scene.
NEEDS = {"defocus": frozenset({"depth"}), "object_motion": frozenset({"masks"}), "video": frozenset({"clip"})}


class BlurParams(Params):
    """Drawn parameters of blur. highlight_gain: of blown highlights before the blur, 1 is none. how: the mode's own.
    grain: of the sensor, after the blur."""

    highlight_gain: float = Field(ge=1)
    how: CameraShakeParams | TrajectoryParams | ObjectMotionParams | DefocusParams | VideoParams | WebParams = Field(
        discriminator="mode"
    )
    grain: Grain | None = None


class Blur(Degradation[BlurParams]):
    """Blur in linear light that keeps the clean picture aligned: every point-spread function has its centroid at 0.

    Specification: degradations §1. Modes and their default weights: camera shake .35 (homographies of
    Ornstein-Uhlenbeck rotations, corner path 4-60 px), trajectory .2 (Boracchi and Foi 2012, extent 2.5-45 px), object
    motion .15 (one segment of the scene along a path of 5-90 px), defocus .2 (radius 3-40 px times the distance in
    disparity from the focus; aperture a disc or 5-9 blades), web .1 (Gaussian σ .7-6 px, sinc cut-off .7π to π/5, zoom
    1.008-1.15). Severity moves these strengths log-uniformly; pixels are given for a short side of 1024. A picture from
    a clip is blurred by its own frames, 7-31 of them averaged, wherever the mode `video` has a weight.

    In half of the draws, not for web, light above the photograph's white is given back first (gain 1-12), and in half
    sensor noise lies sharp on top of the blur (σ .5-5 codes).
    """

    name: ClassVar[str] = "blur"
    task: ClassVar[str] = "blur"
    params_type: ClassVar[type[Params]] = BlurParams

    def __init__(self, section: BlurSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> BlurParams:
        """Parameters for a scene at `severity` in [0, 1]."""
        weights = self.section.modes.model_dump()
        video = weights.pop("video")
        by_frames = (scene.clip is not None and video > 0) or not any(weights.values())
        mode = "video" if by_frames else pick(rng, weights)
        lifted = mode != "web" and rng.uniform() < 0.5
        gain = logarithmic(rng.uniform(), 1.0, 12.0) if lifted else 1.0
        how = DRAWS[mode](rng, scene, position(rng, severity))
        return BlurParams(highlight_gain=gain, how=how, grain=None if mode in ("web", "video") else draw_grain(rng))

    def needs(self, params: BlurParams) -> frozenset[str]:
        return NEEDS.get(params.how.mode, frozenset())

    def apply(self, image: Image, params: BlurParams, scene: Scene) -> Image:
        """A blurred copy of `image` (uint8 (H, W, 3), sRGB).

        Raises ValueError for defocus in a scene without depth, object motion without masks and video without its clip.
        """
        check_image(image)
        blurred = self._blurred(image, params, scene)
        return with_grain(blurred, params.grain) if params.grain else blurred

    def _blurred(self, image: Image, params: BlurParams, scene: Scene) -> Image:
        gain = params.highlight_gain
        match params.how:
            case CameraShakeParams():
                return convolve_image(image, shake_taps(params.how, *image.shape[:2]), gain)
            case TrajectoryParams():
                return convolve_image(image, trajectory_taps(params.how), gain)
            case WebParams():
                return encode(web(decode_lifted(image, gain), params.how))
            case ObjectMotionParams():
                if scene.masks is None:
                    raise ValueError("object_motion needs the scene's masks; give Scene(masks=segment(image))")
                return object_motion(image, params.how, scene.masks, gain)
            case VideoParams():
                if scene.clip is None or params.how.frames > len(scene.clip):
                    raise ValueError(f"video needs the scene's clip of at least {params.how.frames} frames")
                return averaged(scene.clip, params.how.frames, gain)
            case DefocusParams():
                if scene.depth is None:
                    raise ValueError("defocus needs the scene's depth; give Scene(depth=estimate_depth(image))")
                return defocus(image, params.how, scene.depth, gain)
