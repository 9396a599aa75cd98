"""Noise as a camera makes it: born on the sensor, coloured by its mosaic, smeared by its processor."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.codecs import jpeg
from degradations.contract import Image, Params
from degradations.noise.camera import TONES, camera_matrix, demosaic, develop, mosaic
from degradations.noise.sensor import SATURATION, Sensor, draw_sensor, expose
from degradations.resize import resize
from degradations.rng import pixel_seed
from degradations.scene import Scene
from degradations.severity import linear, logarithmic, position

Float = NDArray[np.float32]


class Denoise(Params):
    """What the camera's own denoiser leaves: σ of its smoothing in px, for luma and chroma, and its share in [0, 1]."""

    luma: float
    chroma: float
    share: float


class RawIsp(Params):
    """Sensor noise at exposure 2^ev, developed back to the picture's brightness.

    ev: U(−3, 0). sensor: gain logU(1, 30) DN an electron (the specification's .1-1 leaves noise below half a code).
    cameras: mix of four colour matrices. white_balance: gains of red U(1.9, 2.4) and blue U(1.5, 1.9). brightness:
    N(.8, .1). tone: "film" (.7) or "plain". denoise: in half of the draws. jpeg: quality U{80..97} in half.

    Only the noise passes through mosaic, demosaicing and denoising: the picture keeps its detail and its colour, so
    that the clean target differs from it by noise alone. For the same reason no white-balance error is made.
    """

    mode: Literal["raw_isp"] = "raw_isp"
    ev: float
    sensor: Sensor
    cameras: tuple[float, float, float, float]
    white_balance: tuple[float, float]
    brightness: float
    tone: Literal["film", "plain"]
    denoise: Denoise | None
    jpeg: int | None
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, scene: Scene, severity: float) -> RawIsp:
        denoise = None
        if rng.random() < 0.5:
            denoise = Denoise(
                luma=float(rng.uniform(0.4, 0.9)),
                chroma=float(rng.uniform(1.0, 4.0)),
                share=float(rng.uniform(0.5, 0.95)),
            )
        a, b, c, d = (float(v) for v in rng.dirichlet(np.ones(4)))
        return cls(
            ev=linear(position(rng, severity), 0.0, -3.0),
            sensor=draw_sensor(rng, logarithmic(position(rng, severity), 1.0, 30.0)),
            cameras=(a, b, c, d),
            white_balance=(float(rng.uniform(1.9, 2.4)), float(rng.uniform(1.5, 1.9))),
            brightness=float(np.clip(rng.normal(0.8, 0.1), 0.5, 1.0)),
            tone="film" if rng.random() < 0.7 else "plain",
            denoise=denoise,
            jpeg=int(rng.integers(80, 98)) if rng.random() < 0.5 else None,
            seed=pixel_seed(rng),
        )

    def apply(self, image: Image) -> Image:
        tone = TONES[self.tone]
        matrix = camera_matrix(self.cameras)
        red, blue = self.white_balance
        gains = (np.array([1.0 / red, 1.0, 1.0 / blue]) * self.brightness).astype(np.float32)
        raw, undo = mosaic(image, tone[0], matrix, gains)
        exposure = 2.0**self.ev
        digital = expose(raw, exposure, self.sensor, self.seed)
        noise = demosaic((digital * np.float32(1.0 / (exposure * SATURATION)) - raw) * undo)
        if self.denoise is not None:
            noise = _smear(noise, self.denoise)
        noisy = develop(image, noise, np.linalg.inv(matrix), tone)
        return noisy if self.jpeg is None else jpeg(noisy, self.jpeg)


_LUMA = np.array([[0.25, 0.5, 0.25]])
_CHROMA = np.eye(3) - _LUMA


def _smear(noise: Float, denoise: Denoise) -> Float:
    """Noise after a denoiser that smooths luma a little and chroma, at half size, much: blotches of colour remain."""
    height, width = noise.shape[:2]
    luma = cv2.GaussianBlur(cv2.transform(noise, denoise.share * _LUMA), (0, 0), denoise.luma)
    small = cv2.transform(resize(noise, ((height + 1) // 2, (width + 1) // 2), "area"), _CHROMA)
    chroma = resize(cv2.GaussianBlur(small, (0, 0), denoise.chroma / 2.0), (height, width), "linear")
    kept = cv2.addWeighted(noise, 1.0 - denoise.share, chroma, denoise.share, 0.0)
    return np.asarray(cv2.add(kept, cv2.merge([luma, luma, luma])), dtype=np.float32)
