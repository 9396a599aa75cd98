"""The degradation "flare"."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.contract import Degradation, Image, Params, check_image, pick
from degradations.flare.compose import add_light
from degradations.flare.place import LIGHT, inverse_affine, reduction, sample, without_core
from degradations.flare.source import brightest_blob
from degradations.flare.spectrum import black_body
from degradations.patterns.bank import PatternChoice
from degradations.scene import Scene
from degradations.severity import LOOSE, linear, logarithmic, position
from schemas.recipe.degradations import FlareSection

Mode = Literal["bright_source", "anywhere", "off_frame"]

#: The flare's 99th percentile in the picture, linear light, at severity 0 and 1. A lamp that is hidden gives less.
BRIGHTNESS = {"bright_source": (0.03, 3.0), "anywhere": (0.03, 1.0), "off_frame": (0.03, 3.0)}
#: Lowest percentile that is scaled up to it: fainter parts of a pattern hold nothing but rounding.
_FAINTEST = 0.004


class FlareParams(Params):
    """Drawn parameters of flare. Light is linear, 1 the photograph's white; lengths are pixels.

    place: of the source, as shares of width and height; None on the brightest blob. turn, shear: degrees.
    brightness: the flare's 99th percentile. kelvin: of the lamp; source_share: how much of its colour is instead that
    around the source found. blur: Gaussian σ of the pattern. highlight_gain: of the picture's own highlights.
    """

    mode: Mode
    pattern: PatternChoice
    place: tuple[float, float] | None
    turn: float
    scale: float = Field(gt=0)
    shear: float = Field(gt=-90, lt=90)
    flip: bool
    brightness: float = Field(ge=0)
    veil: float = Field(ge=0)
    kelvin: float = Field(gt=0)
    source_share: float = Field(ge=0, le=1)
    blur: float = Field(ge=0)
    highlight_gain: float = Field(ge=1)


class Flare(Degradation[FlareParams]):
    """Scatter, streaks and ghosts of a light: I = S + s·F + veil in linear light, F from a bank of patterns.

    Specification: degradations §6, after Flare7K (Dai et al. 2022) and Wu et al. 2021. Modes by where the light is:
    bright_source .6, on the picture's brightest blob; anywhere .25, a glow without the light itself, so that the clean
    picture lacks no lamp; off_frame .15, beyond the border. Nothing is ever taken away: the source in the clean picture
    stays as it is.

    Severity moves s, which puts the flare's 99th percentile in the picture at .03-3 (log-uniform; anywhere .03-1; the
    specification's .3 is far from barely visible at night), and loosely the veil, 0-.05. The pattern is turned so that
    its ghosts point through the middle of the picture (± 6°; the directions of its streaks are random in themselves),
    scaled .8-1.5, sheared ±20°, flipped in half of the draws, blurred by σ .1-3 px at a short side of 1024. Its colour
    is a black body's of 2200-9000 K, mixed with that around the source. On a source, half of the draws lift its
    highlights first (gain 1-12, more when severe).
    """

    name: ClassVar[str] = "flare"
    task: ClassVar[str] = "flare"
    params_type: ClassVar[type[Params]] = FlareParams

    def __init__(self, section: FlareSection) -> None:
        self.section = section

    def draw(self, rng: np.random.Generator, scene: Scene, severity: float) -> FlareParams:
        """Parameters for a scene at `severity` in [0, 1]: the flare's 99th percentile at .03 to 3."""
        mode = pick(rng, self.section.modes.model_dump())
        on_source = mode == "bright_source"
        lifted = on_source and rng.uniform() < 0.5
        return FlareParams(
            mode=mode,
            pattern=scene.banks["flare"].draw(rng),
            place=None if on_source else _draw_place(rng, mode),
            turn=rng.uniform(-6.0, 6.0),
            scale=rng.uniform(0.8, 1.5),
            shear=rng.uniform(-20.0, 20.0),
            flip=bool(rng.uniform() < 0.5),
            brightness=logarithmic(position(rng, severity), *BRIGHTNESS[mode]),
            veil=linear(position(rng, severity, LOOSE), 0.0, 0.05),
            kelvin=logarithmic(rng.uniform(), 2200.0, 9000.0),
            source_share=rng.uniform(0.3, 1.0) if on_source else 0.0,
            blur=rng.uniform(0.1, 3.0) * scene.scale,
            highlight_gain=logarithmic(position(rng, severity, LOOSE), 1.0, 12.0) if lifted else 1.0,
        )

    def needs(self, params: FlareParams) -> frozenset[str]:
        return frozenset({"patterns.flare"})

    def apply(self, image: Image, params: FlareParams, scene: Scene) -> Image:
        """A copy of `image` (uint8 (H, W, 3), sRGB) with flare. Raises PatternError for a pattern the bank lacks."""
        check_image(image)
        height, width = image.shape[:2]
        pattern = scene.banks["flare"].load(params.pattern.name)
        colour = black_body(params.kelvin)
        if params.place is None:
            x, y, around = brightest_blob(image)
            colour = colour + np.float32(params.source_share) * (around - colour)
        else:
            x, y = params.place[0] * width - 0.5, params.place[1] * height - 0.5
        light = without_core(max(_bright(LIGHT[pattern[::4, ::4]]), _FAINTEST)) if params.mode == "anywhere" else LIGHT
        affine = inverse_affine(height, width, pattern, x, y, params.turn, params.scale, params.shear, params.flip)
        flare = _blurred(sample(pattern, light, affine, height, width), params.blur / reduction(height, width))
        strength = np.float32(params.brightness / max(_bright(flare[::4, ::4]), _FAINTEST))
        veil = np.float32(params.veil) * colour
        return add_light(image, flare, reduction(height, width), strength * colour, veil, params.highlight_gain)


def _draw_place(rng: np.random.Generator, mode: str) -> tuple[float, float]:
    """Shares of width and height: anywhere within the picture, or .05-.3 of it beyond its border."""
    if mode == "anywhere":
        return rng.uniform(0.05, 0.95), rng.uniform(0.05, 0.95)
    angle = rng.uniform(0.0, 2.0 * math.pi)
    x, y = math.cos(angle), math.sin(angle)
    out = rng.uniform(1.1, 1.6) / max(abs(x), abs(y))
    return 0.5 + 0.5 * out * x, 0.5 + 0.5 * out * y


def _bright(light: NDArray[np.float32]) -> float:
    """99th percentile over pixels of the largest channel of `light` (h, w, 3)."""
    return float(np.quantile(light.max(axis=2), 0.99))


def _blurred(flare: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    if sigma < 0.3:
        return flare
    return np.asarray(cv2.GaussianBlur(flare, (0, 0), sigma)).reshape(flare.shape)
