"""Rain as filtered noise."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image, Params
from degradations.quantise import to_codes
from degradations.rng import pixel_seed
from degradations.sampling import mix, stream
from degradations.scene import Scene
from degradations.severity import ordered

_S11 = np.uint64(11)


class Rain(Params):
    """Streaks of one length and angle, scaled so that the brightest is 255 and added.

    density: 50-99; of 25,600 pixels that many start a streak. length: 20-39, of the diagonal line before it is scaled
    by 1 − length/100. angle: −30 to 29°, from the vertical.
    """

    mode: Literal["rain"] = "rain"
    density: int
    length: int
    angle: int
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Rain:
        length, angle = int(rng.integers(20, 40)), int(rng.integers(-30, 30))
        return cls(density=ordered(quantile, range(50, 100)), length=length, angle=angle, seed=pixel_seed(rng))

    def apply(self, image: Image, scene: Scene) -> Image:
        starts = np.zeros(image.shape[:2], dtype=np.float32)
        _scatter(starts.reshape(-1), self.density / 25600.0, stream(self.seed, 0))
        streaks = cv2.filter2D(starts, -1, _line(self.length, self.angle))
        brightest = float(streaks.max())
        if brightest > 0:
            streaks *= np.float32(255.0 / brightest)
        return to_codes(image + streaks[..., None])


@numba.njit(cache=True, nogil=True)
def _scatter(out: NDArray[np.float32], share: float, seed: Any) -> None:
    for i in range(out.size):
        if np.float64(mix(seed, i) >> _S11) * 1.1102230246251565e-16 < share:
            out[i] = np.float32(1.0)


def _line(length: int, angle: int) -> NDArray[np.float32]:
    """A straight streak, √2·length·(1 − length/100) px long, `angle` degrees from the vertical, about 2 px wide."""
    reach = np.sqrt(2.0) * length * (1.0 - length / 100.0) / 2.0
    side = 2 * int(np.ceil(reach)) + 3
    canvas = np.zeros((side, side), dtype=np.uint8)
    centre = side // 2
    x, y = reach * np.sin(np.deg2rad(angle)), reach * np.cos(np.deg2rad(angle))
    ends = [(round((centre + sign * x) * 16), round((centre + sign * y) * 16)) for sign in (-1, 1)]
    cv2.line(canvas, ends[0], ends[1], 255, 1, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(canvas.astype(np.float32), (3, 3), 0)[::-1, ::-1] / np.float32(255.0)
