"""Low light as a camera sees it: a dim, unevenly lit scene on a noisy sensor, developed by its processor."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.blur.highlights import lift_table
from degradations.codecs import jpeg
from degradations.contract import Image, Params
from degradations.lowlight.illumination import FIELDS, AnyField, illumination
from degradations.lowlight.processor import Denoise, develop
from degradations.lowlight.sensing import Light, sense
from degradations.noise.camera import TONES, camera_matrix
from degradations.noise.sensor import SATURATION, Sensor, draw_sensor
from degradations.rng import pixel_seed
from degradations.severity import linear, logarithmic, position

#: Stops of underexposure, and the share of them that amplification gives back, mildest and worst. With less than a
#: fifth given back, a dark photograph is black.
STOPS, GIVEN_BACK = (1.5, 6.0), (0.7, 0.2)
#: System gain of ELD's sensors, DN an electron, and Brooks et al.'s shot noise, variance per unit of signal.
GAIN, SHOT = (0.1, 30.0), (1e-4, 0.012)
#: Electrons at white below which nothing is left to restore: noise is limited to that of so many.
FEWEST = 60.0
#: How often lamps and the sun are brighter than the photograph's white, else the dark picture shows them grey; and
#: the linear level of the smallest channel where that begins, so that neither skies nor clouds are taken for lamps.
LIFTED, KNEE = 0.75, 0.92
#: Exponent of the field of light.
CONTRAST = (0.2, 1.0)
#: Standard deviation of the black level's error over that of the read noise.
TINT = 0.2


class RawDark(Params):
    """exposure: light on the sensor over that of the photograph. gain: amplification after it.

    Underexposed by U(1.5, 6) stops, of which amplification gives back a share U(.2, .7): after an ELD sensor (noise of
    the dim signal, then amplified), or before shot/read noise, which is that of the amplified signal. The sensor's gain
    (logU(.1, 30) DN an electron) or shot noise (logU(1e-4, .012)) leaves at least 60 electrons at white. field,
    contrast: where the light falls. highlight_gain: of lamps and glints, logU(1, 12) in three quarters of the draws.
    cameras: mix of four colour matrices. white_balance: gains of red U(1.9, 2.4) and blue U(1.5, 1.9).
    white_balance_error: their factors, U(.9, 1.1). brightness: N(.8, .1). black_level: error of each channel's, DN.
    tone: "film" (.7) or "plain". denoise: in half of the draws. jpeg: quality U{70..97} in half.

    Only what the sensor adds passes through mosaic, demosaicing and denoising: the picture keeps its detail.
    """

    mode: Literal["raw"] = "raw"
    exposure: float = Field(gt=0, le=1)
    gain: float = Field(ge=1)
    sensor: Sensor
    field: AnyField
    contrast: float
    highlight_gain: float = Field(ge=1)
    cameras: tuple[float, float, float, float]
    white_balance: tuple[float, float]
    white_balance_error: tuple[float, float]
    brightness: float
    black_level: tuple[float, float, float]
    tone: Literal["film", "plain"]
    denoise: Denoise | None
    jpeg: int | None
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, severity: float, field: str, sensor: str) -> RawDark:
        """field: vignette, fractal or lamps. sensor: eld or shot_read."""
        stops = linear(position(rng, severity), *STOPS)
        given_back = stops * linear(position(rng, severity), *GIVEN_BACK)
        before = given_back if sensor == "shot_read" else 0.0
        exposure = 2.0 ** (before - stops)
        noise = position(rng, severity)
        if sensor == "eld":
            drawn = draw_sensor(rng, min(logarithmic(noise, *GAIN), SATURATION * exposure / FEWEST))
        else:
            drawn = draw_shot_read(rng, min(logarithmic(noise, *SHOT), exposure / FEWEST))
        a, b, c, d = (float(v) for v in rng.dirichlet(np.ones(4)))
        red, green, blue = (float(v) for v in rng.normal(0.0, TINT * math.sqrt(drawn.read_variance()), 3))
        return cls(
            exposure=exposure,
            gain=2.0 ** (given_back - before),
            sensor=drawn,
            field=FIELDS[field].draw(rng),
            contrast=linear(position(rng, severity), *CONTRAST),
            highlight_gain=logarithmic(rng.uniform(), 1.0, 12.0) if rng.random() < LIFTED else 1.0,
            cameras=(a, b, c, d),
            white_balance=(float(rng.uniform(1.9, 2.4)), float(rng.uniform(1.5, 1.9))),
            white_balance_error=(float(rng.uniform(0.9, 1.1)), float(rng.uniform(0.9, 1.1))),
            brightness=float(np.clip(rng.normal(0.8, 0.1), 0.5, 1.0)),
            black_level=(red, green, blue),
            tone="film" if rng.random() < 0.7 else "plain",
            denoise=Denoise.draw(rng) if rng.random() < 0.5 else None,
            jpeg=int(rng.integers(70, 98)) if rng.random() < 0.5 else None,
            seed=pixel_seed(rng),
        )

    def light(self, height: int, width: int) -> Light:
        """The scene's light on a picture of (height, width), before the exposure, nowhere more than the photograph's
        once developed."""
        field = illumination(self.field, self.contrast, height, width)
        most = np.float32(1.0 / (self.exposure * self.gain))
        return Light(TONES[self.tone][0], lift_table(self.highlight_gain, KNEE), np.minimum(field, most))

    def apply(self, image: Image) -> Image:
        image = np.ascontiguousarray(image)
        light = self.light(*image.shape[:2])
        matrix = camera_matrix(self.cameras)
        red, blue = self.white_balance
        gains = (np.array([1.0 / red, 1.0, 1.0 / blue]) * self.brightness).astype(np.float32)
        mosaic = sense(image, light, matrix, gains, self.exposure, self.sensor, self.black_level, self.seed)
        for_noise = self.gain * self._to_srgb(matrix)
        for_light = self.exposure * for_noise @ matrix
        dark = develop(image, light, mosaic, self.denoise, for_light, for_noise, TONES[self.tone][1])
        return dark if self.jpeg is None else jpeg(dark, self.jpeg)

    def _to_srgb(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """White-balanced camera RGB → linear sRGB, with the error of the white balance."""
        red, blue = self.white_balance_error
        return np.asarray(np.linalg.inv(matrix) @ np.diag([red, 1.0, blue]))


def draw_shot_read(rng: np.random.Generator, shot: float) -> Sensor:
    """A sensor whose noise has the variance shot·x + read at signal x in [0, 1]: Brooks et al. (2019),
    log read = 2.18·log shot + 1.20 + N(0, .26)."""
    log_read = 2.18 * math.log(shot) + 1.20 + 0.26 * float(rng.standard_normal())
    return Sensor(gain=shot * SATURATION, read=math.exp(0.5 * log_read) * SATURATION, tail=0.0, row=0.0)
