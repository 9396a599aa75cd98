"""From the light on a sensor to the picture that a camera makes of it."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Params
from degradations.moire.screen import CROSSTALK
from degradations.severity import ordered

Float = NDArray[np.float32]

#: Raw values of full light; leaves room above for sharp fringes.
_FULL = 16384.0


class Shot(Params):
    """sigma: the lens's spread, sensor pixels. decimation: sensor pixels per picture pixel, sampled without a filter.

    sharpening: amount of an unsharp mask of σ 1.
    """

    sigma: float
    decimation: float
    sharpening: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Shot:
        """σ U(.2, .45); decimation 1, 1.5, 2 or 3 (.5, .3, .15, .05); sharpening U(0, .8)."""
        return cls(
            sigma=rng.uniform(0.2, 0.45),
            decimation=ordered(rng.uniform(), (1.0, 1.5, 2.0, 3.0), (0.5, 0.3, 0.15, 0.05)),
            sharpening=rng.uniform(0.0, 0.8),
        )

    def sensor(self, side: int) -> int:
        """Sensor pixels of `side` picture pixels, even."""
        return 2 * max(1, round(side * self.decimation / 2))


@numba.njit(cache=True, nogil=True)
def _mosaic(light: Float, crosstalk: Float, full: float, out: NDArray[np.uint16]) -> None:
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            site = (y & 1) + (x & 1)
            value = (
                crosstalk[site, 0] * light[y, x, 0]
                + crosstalk[site, 1] * light[y, x, 1]
                + crosstalk[site, 2] * light[y, x, 2]
            )
            out[y, x] = np.uint16(min(value * full + np.float32(0.5), np.float32(65535.0)))


def developed(light: Float, shot: Shot, height: int, width: int) -> Float:
    """The linear picture, float32 (height, width, 3), of `light` (float32 (H, W, 3), even sides) on an RGGB sensor.

    Colour filters that overlap, bilinear demosaicing, colour correction that undoes the overlap, decimation without
    antialiasing, sharpening.
    """
    raw = np.empty(light.shape[:2], dtype=np.uint16)
    _mosaic(light, CROSSTALK.astype(np.float32), np.float32(_FULL), raw)
    picture = cv2.cvtColor(raw, cv2.COLOR_BayerRGGB2RGB)
    if picture.shape[:2] != (height, width):
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    linear = picture.astype(np.float32) / np.float32(_FULL)
    if shot.sharpening > 0:
        soft = cv2.GaussianBlur(linear, (0, 0), 1.0)
        linear = cv2.addWeighted(linear, 1 + shot.sharpening, soft, -shot.sharpening, 0)
    return np.asarray(cv2.transform(linear, np.linalg.inv(CROSSTALK)).reshape(height, width, 3))
