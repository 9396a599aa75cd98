"""Noise that differs from segment to segment, as a camera's processor and an editor's brush leave it."""

from __future__ import annotations

from typing import Literal

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image, Params
from degradations.noise.film_grain import white_grain
from degradations.rng import generator, pixel_seed
from degradations.sampling import NORMAL, mix, normal_field, part, stream
from degradations.scene import MaskCue, Scene
from degradations.severity import linear, logarithmic, position

Float = NDArray[np.float32]

_LUMA = np.array([[0.299, 0.587, 0.114]], dtype=np.float32)
#: Standard deviation of local detail, in codes, that counts as fully textured.
_TEXTURED = 20.0


class SegmentAwareNoise(Params):
    """Standard deviation σ·f, f log-normal(0, .5) by segment: σ logU(4, 40) codes.

    In .3 of the segments the noise is blurred grain, grey, of Gaussian σ `radius`; in the others independent by pixel
    and channel. feather: U(2, 8) px for a short side of 1024, over which segments pass into each other. dark, textured:
    U(0, 1), how much stronger the noise is in the black and in full texture than in smooth white.
    """

    mode: Literal["segment_aware"] = "segment_aware"
    sigma: float
    feather: float
    dark: float
    textured: float
    radius: float
    segment_seed: int
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, scene: Scene, severity: float) -> SegmentAwareNoise:
        return cls(
            sigma=logarithmic(position(rng, severity), 4.0, 40.0),
            feather=linear(float(rng.random()), 2.0, 8.0) * scene.scale,
            dark=float(rng.random()),
            textured=float(rng.random()),
            radius=linear(float(rng.random()), 0.6, 2.0) * scene.scale,
            segment_seed=pixel_seed(rng),
            seed=pixel_seed(rng),
        )

    def apply(self, image: Image, masks: MaskCue) -> Image:
        """A noisy copy of `image` (uint8 (H, W, 3), sRGB) with these segments."""
        fine, coarse = self.deviations(image, masks)
        grain = white_grain(normal_field(self.seed, 1, image.shape[:2]), self.radius)
        out = np.empty(image.shape, dtype=np.uint8)
        _add(
            np.ascontiguousarray(image).reshape(-1, 3),
            fine.reshape(-1),
            coarse.reshape(-1),
            grain.reshape(-1),
            stream(self.seed, 0),
            NORMAL,
            out.reshape(-1, 3),
        )
        return out

    def deviations(self, image: Image, masks: MaskCue) -> tuple[Float, Float]:
        """Standard deviations of the independent and of the blurred noise, codes, float32 (H, W) each."""
        count = int(masks.labels.max()) + 1
        rng = generator(self.segment_seed)
        factors = np.exp(0.5 * rng.standard_normal(count)) * self.sigma
        blurred = rng.random(count) < 0.3
        size = (image.shape[1], image.shape[0])
        gain = self._gain(image, masks.labels.shape[0], masks.labels.shape[1])
        sigma = max(0.3, self.feather * masks.labels.shape[0] / image.shape[0])
        maps = []
        for chosen in (~blurred, blurred):
            level = (factors * chosen).astype(np.float32)[masks.labels]
            level = np.asarray(cv2.GaussianBlur(level, (0, 0), sigma)).reshape(masks.labels.shape) * gain
            maps.append(np.asarray(cv2.resize(level, size, interpolation=cv2.INTER_LINEAR)).reshape(image.shape[:2]))
        return maps[0], maps[1]

    def _gain(self, image: Image, height: int, width: int) -> Float:
        """How much stronger the noise is than in smooth white, float32 (height, width)."""
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, 3)
        luma = np.asarray(cv2.transform(small.astype(np.float32), _LUMA)).reshape(height, width)
        mean = cv2.blur(luma, (5, 5)).reshape(height, width)
        spread = np.sqrt(np.maximum(cv2.blur(luma * luma, (5, 5)).reshape(height, width) - mean * mean, 0.0))
        texture = np.minimum(spread / np.float32(_TEXTURED), np.float32(1.0))
        dark = np.float32(1.0) - mean / np.float32(255.0)
        return np.asarray(1.0 + self.dark * dark + self.textured * texture, dtype=np.float32) / np.float32(1.5)


@numba.njit(cache=True, nogil=True)
def _add(image: Image, fine: Float, coarse: Float, grain: Float, seed: np.uint64, normal: Float, out: Image) -> None:
    for i in range(image.shape[0]):
        bits = mix(seed, i)
        shared = coarse[i] * grain[i] + np.float32(0.5)
        for channel in range(3):
            value = image[i, channel] + fine[i] * normal[part(bits, channel)] + shared
            out[i, channel] = np.uint8(np.int32(min(max(value, np.float32(0.0)), np.float32(255.0))))
