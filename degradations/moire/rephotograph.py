"""The picture on a screen, photographed: moiré from the pixels up."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations import codecs
from degradations.contract import Image, Params, pick
from degradations.light import decode, encode
from degradations.moire.camera import Shot, developed
from degradations.moire.geometry import View, positions
from degradations.moire.layouts import SHARES, Layout, fourier_series
from degradations.moire.screen import recorded
from degradations.resize import resize
from degradations.rng import pixel_seed
from degradations.sampling import NORMAL, mix, part, stream
from degradations.scene import Scene
from degradations.severity import LOOSE, linear, logarithmic, position

Float = NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def _add_noise(light: Float, sigma: float, seed: np.uint64, normal: Float) -> None:
    for i in range(light.size):
        value = light[i] + sigma * np.sqrt(light[i] + np.float32(1e-3)) * normal[part(mix(seed, i >> 2), i & 3)]
        light[i] = max(value, np.float32(0.0))


class Rephotograph(Params):
    """A screen and a camera. fill: of a subpixel's third and of the pixel's height. contrast: of the screen's own
    pattern, 1 as it is, less behind a matt coat.

    noise: standard deviation, linear light at white, falling with its root. gamma: of the camera's tone. quality: JPEG.
    """

    layout: Layout
    fill: tuple[float, float]
    view: View
    shot: Shot
    contrast: float = Field(ge=0)
    noise: float = Field(ge=0)
    noise_seed: int
    gamma: float = Field(gt=0)
    quality: int

    @classmethod
    def draw(cls, rng: np.random.Generator, scene: Scene, severity: float) -> Rephotograph:
        """Contrast .12-1 and noise .003-.03 (both log-uniform), gamma .9-1.12, quality 95-60 by severity."""
        shot = Shot.draw(rng)
        shot = shot.model_copy(update={"decimation": min(shot.decimation, 2.0)})
        return cls.model_validate(
            {
                "layout": pick(rng, SHARES),
                "fill": (rng.uniform(0.6, 0.95), rng.uniform(0.7, 0.95)),
                "view": View.draw(rng, shot.sensor(max(scene.height, scene.width)), shot.decimation),
                "shot": shot,
                "contrast": logarithmic(position(rng, severity), 0.12, 1.0),
                "noise": logarithmic(position(rng, severity, LOOSE), 0.003, 0.03),
                "noise_seed": pixel_seed(rng),
                "gamma": float(np.exp(rng.uniform(-0.1, 0.1))),
                "quality": round(linear(position(rng, severity, LOOSE), 95, 60)),
            }
        )

    def apply(self, image: Image) -> Image:
        """`image` as photographed: each sensor pixel sees the picture where it stands, so nothing shifts."""
        height, width = image.shape[:2]
        rows, columns = self.shot.sensor(height), self.shot.sensor(width)
        grid = positions(self.view, rows, columns)
        waves = recorded(fourier_series(self.layout, *self.fill), grid, rows, columns, self.shot.sigma)
        shown = decode(np.ascontiguousarray(resize(image, (rows, columns), "linear"), dtype=np.uint8))
        light = shown * (np.float32(1.0) + np.float32(self.contrast) * (waves - np.float32(1.0)))
        if self.noise > 0:
            _add_noise(light.reshape(-1), np.float32(self.noise), stream(self.noise_seed, 0), NORMAL)
        picture = np.clip(developed(light, self.shot, height, width), 0.0, 1.0)
        toned = encode(np.asarray(cv2.pow(picture, self.gamma), dtype=np.float32).reshape(height, width, 3))
        return codecs.jpeg(toned, self.quality)
