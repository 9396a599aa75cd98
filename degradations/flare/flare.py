"""The degradation "flare"."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.contract import Degradation, Image, Params, check_image, pick
from degradations.flare.compose import Lift, add_light
from degradations.flare.place import LIGHT, add_pattern, empty, inverse_affine, reduction, towards_middle, without_core
from degradations.flare.source import Source, brightest_blobs
from degradations.flare.spectrum import black_body
from degradations.light import decode
from degradations.patterns.bank import PatternChoice
from degradations.scene import Scene
from degradations.severity import LOOSE, linear, logarithmic, position
from schemas.recipe.degradations import FlareSection

Mode = Literal["bright_source", "anywhere", "off_frame"]

#: The flare's 99th percentile in the picture, linear light, at severity 0 and 1. A lamp that is hidden gives less.
BRIGHTNESS = {"bright_source": (0.03, 3.0), "anywhere": (0.03, 1.0), "off_frame": (0.03, 3.0)}
#: Lowest percentile that is scaled up to it: fainter parts of a pattern hold nothing but rounding.
_FAINTEST = 0.004
#: How many lamps of a picture flare at most, and how often.
_LAMPS = {1: 0.6, 2: 0.15, 3: 0.25}
#: Reach of the lift of highlights around the source, as a share of the short side.
_LIFT_REACH = 0.04


class FlareParams(Params):
    """Drawn parameters of flare. Light is linear, 1 the photograph's white; lengths are pixels.

    place: of the source, as shares of width and height; None on the brightest blob, and on further ones up to `lamps`
    in all. turn, shear: degrees.
    brightness: the flare's 99th percentile. kelvin: of the lamp; source_share: how much of its colour is instead that
    around the source found. blur: Gaussian σ of the pattern. highlight_gain: of the picture's own highlights
    at the source.
    """

    mode: Mode
    pattern: PatternChoice
    place: tuple[float, float] | None
    lamps: int = Field(ge=1)
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
    bright_source .6, on the picture's brightest blob, and in 40% of them on one or two more lamps where there are such;
    anywhere .25, a glow without the light itself, so that the clean picture lacks no lamp; off_frame .15, beyond the
    border. Nothing is ever taken away: the source in the clean picture stays as it is.

    Severity moves s, which puts the flare's 99th percentile in the picture at .03-3 (log-uniform; anywhere .03-1; the
    specification's .3 is far from barely visible at night), and loosely the veil, 0-.05, down to a
    quarter of it in dark scenes. The pattern is turned so that
    its ghosts point through the middle of the picture (± 6°; the directions of its streaks are random in themselves),
    scaled .8-1.5, sheared ±10° (halos are round), flipped in half of the draws, blurred by σ .1-3 px at a short side of
    1024. Its colour is a black body's of 2200-9000 K, mixed with that around the source. Half of the draws on a source
    lift its highlights first (gain 1-12, more when severe).
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
            lamps=int(rng.choice(list(_LAMPS), p=list(_LAMPS.values()))) if on_source else 1,
            turn=rng.uniform(-6.0, 6.0),
            scale=rng.uniform(0.8, 1.5),
            shear=rng.uniform(-10.0, 10.0),
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
        lamp = black_body(params.kelvin)
        if params.place is None:
            sources = brightest_blobs(image, params.lamps)
        else:
            sources = [Source(params.place[0] * width - 0.5, params.place[1] * height - 0.5, lamp, 1.0)]
        light = without_core(max(_bright(LIGHT[pattern[::4, ::4]]), _FAINTEST)) if params.mode == "anywhere" else LIGHT
        flare, step = empty(height, width), reduction(height, width)
        turn = params.turn + towards_middle(height, width, sources[0].x, sources[0].y)
        colours = [lamp + np.float32(params.source_share) * (source.colour - lamp) for source in sources]
        for source, colour in zip(sources, colours, strict=True):
            affine = inverse_affine(
                height, width, pattern, source.x, source.y, turn, params.scale, params.shear, params.flip
            )
            add_pattern(flare, pattern, light, affine, np.float32(source.power) * colour, step)
        flare = _blurred(flare, params.blur / step)
        strength = params.brightness / max(_bright(flare[::4, ::4]), _FAINTEST)
        lift = None
        if params.highlight_gain > 1:
            lift = Lift(params.highlight_gain, sources[0].x, sources[0].y, _LIFT_REACH * min(height, width))
        veil = np.float32(params.veil * _daylight(image)) * colours[0]
        return add_light(image, flare, step, strength, veil, lift)


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


def _daylight(image: Image) -> float:
    """How much of the light that makes a veil a scene has, in [.25, 1]: all of it from a mean of 18% grey on."""
    mean = float(decode(image[::16, ::16]).mean())
    return min(1.0, max(0.25, math.sqrt(mean / 0.18)))


def _blurred(flare: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    if sigma < 0.3:
        return flare
    return np.asarray(cv2.GaussianBlur(flare, (0, 0), sigma)).reshape(flare.shape)
