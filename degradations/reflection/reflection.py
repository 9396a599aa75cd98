"""The degradation "reflection"."""

from __future__ import annotations

from typing import ClassVar, cast

import numpy as np
from pydantic import Field

from degradations.contract import Degradation, Image, Params, check_image, pick
from degradations.patterns.bank import PatternChoice
from degradations.reflection.glass import GlassParams, Mode, draw_glass, through_glass
from degradations.reflection.learned import LearnedParams, draw_learned, mixed
from degradations.reflection.mirrored import Framing
from degradations.scene import Scene
from schemas.recipe.degradations import ReflectionSection


class ReflectionParams(Params):
    """Drawn parameters of reflection. pattern: the mirrored scene from the bank, None where it is the scene's partner.
    framing: the part of it that shows. how: the mode's own."""

    pattern: PatternChoice | None
    framing: Framing
    how: GlassParams | LearnedParams = Field(discriminator="mode")


class Reflection(Degradation[ReflectionParams]):
    """A second scene mirrored in a pane of glass: I = τ·T + e·Ω·(k∗R) in linear light.

    Specification: degradations §7. R is the scene's partner, another photograph, or else a pattern of the bank. The two
    surfaces of a pane (n = 1.5, incidence 0-65°) mirror ρ and (1 − ρ)²ρ of its light (Fresnel), two nearly equal images
    1-14 px apart in any direction. Modes: focused .2 (sharp, 1-5 px), defocused .47 (a disc of 2-12 px), ghosting .18
    (thick glass: 4-14 px), double glazing .15 (a second pair 6-30 px away, × .85); the last two are sharp in 30% of the
    draws. A fifth, learned 0, mixes W·R + (1 − W)·T in sRGB, W from a network whose weights the recipe names.

    Severity moves the relative exposure e from .5 to 12 (log-uniform). Ω is the Fresnel ramp over the field of view
    times fractal noise, τ the tint of the glass (.95-1), and in half of the draws the highlights of R are lifted (gain
    1-12). T is never resampled. Which photographs become partners, and so whether people are mirrored in scenes or
    scenes in people, is the plan's choice.
    """

    name: ClassVar[str] = "reflection"
    task: ClassVar[str] = "reflection"
    params_type: ClassVar[type[Params]] = ReflectionParams

    def __init__(self, section: ReflectionSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> ReflectionParams:
        """Parameters for a scene at `severity` in [0, 1]; the partner is mirrored where there is one."""
        mode = pick(rng, self.section.modes.model_dump())
        pattern = scene.banks["reflection"].draw(rng) if scene.partner is None else None
        framing = Framing.draw(rng)
        how: GlassParams | LearnedParams
        if mode == "learned":
            how = draw_learned(rng, scene, severity, cast(str, self.section.weights))
        else:
            how = draw_glass(rng, scene, severity, cast(Mode, mode))
        return ReflectionParams(pattern=pattern, framing=framing, how=how)

    def needs(self, params: ReflectionParams) -> frozenset[str]:
        return frozenset({"partner" if params.pattern is None else "patterns.reflection"})

    def apply(self, image: Image, params: ReflectionParams, scene: Scene) -> Image:
        """`image` (uint8 (H, W, 3), sRGB) behind glass. Raises ValueError where the partner is missing."""
        check_image(image)
        other = scene.partner if params.pattern is None else scene.banks["reflection"].load(params.pattern.name)
        if other is None:
            raise ValueError("this reflection mirrors the scene's partner; give Scene(partner=another photograph)")
        check_image(other)
        part = params.framing.cut(other, image.shape[1] / image.shape[0])
        if isinstance(params.how, LearnedParams):
            return mixed(image, params.how, part)
        return through_glass(image, params.how, part)
