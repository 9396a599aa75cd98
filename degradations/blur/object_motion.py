"""Motion of one object before a still background."""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.blur.highlights import decode_lifted
from degradations.contract import Image, Params
from degradations.light import encode
from degradations.scene import MaskCue, Scene
from degradations.severity import logarithmic

Float = NDArray[np.float32]

#: Length of the path, pixels at a short side of 1024.
LENGTH_PX = (5.0, 90.0)
#: Shares of the picture that a segment may fill to be an object.
AREA = (0.01, 0.45)


class ObjectMotionParams(Params):
    """rank: of the object among the segments of suitable size, 0 the largest, 1 the smallest. length: of its straight
    path, pixels. angle: radians. feather: Gaussian σ of its outline, pixels."""

    mode: Literal["object_motion"] = "object_motion"
    rank: float = Field(ge=0, le=1)
    length: float = Field(gt=0)
    angle: float
    feather: float = Field(ge=0)


def draw_object_motion(rng: np.random.Generator, scene: Scene, q: float) -> ObjectMotionParams:
    """A path of 5-90 px (log-uniform, by quantile `q`) in any direction, outline σ U(1, 4) px; mostly large objects."""
    return ObjectMotionParams(
        rank=float(rng.uniform() ** 2),
        length=logarithmic(q, *LENGTH_PX) * scene.scale,
        angle=rng.uniform(0.0, 2.0 * math.pi),
        feather=rng.uniform(1.0, 4.0) * scene.scale,
    )


def choose_object(labels: NDArray[np.int32], rank: float) -> NDArray[np.bool_]:
    """The segment at `rank` among those that fill .01-.45 of the picture and touch at most one of its borders, largest
    first, (h, w); without such, of those of that size; without them, the largest of all."""
    areas = np.bincount(labels.reshape(-1)) / labels.size
    touched = np.zeros(areas.size, dtype=int)
    for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touched[np.unique(border)] += 1
    sized = (areas >= AREA[0]) & (areas <= AREA[1])
    fitting = np.flatnonzero(sized & (touched <= 1))
    if fitting.size == 0:
        fitting = np.flatnonzero(sized)
    if fitting.size == 0:
        return np.asarray(labels == int(np.argmax(areas)))
    order = fitting[np.argsort(-areas[fitting], kind="stable")]
    return np.asarray(labels == order[min(int(rank * order.size), order.size - 1)])


def object_motion(image: Image, params: ObjectMotionParams, masks: MaskCue, gain: float) -> Image:
    """`image` (uint8 (H, W, 3), sRGB) with one segment moved at constant speed during the exposure, in linear light.

    α·L of the object and its α are averaged along the path, which is centred on where the object is; the background
    shows where it has left, filled in from around it. gain: of blown highlights.
    """
    height, width = image.shape[:2]
    chosen = choose_object(masks.labels, params.rank).astype(np.float32)
    alpha = np.asarray(cv2.resize(chosen, (width, height), interpolation=cv2.INTER_LINEAR)).reshape(height, width)
    if params.feather >= 0.3:
        alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), params.feather)).reshape(height, width)
    top, bottom, left, right = _reach(alpha, math.ceil(params.length / 2) + 2)
    box = np.ascontiguousarray(alpha[top:bottom, left:right])
    light = decode_lifted(image[top:bottom, left:right], gain)
    moved = _averaged(np.dstack([light * box[..., None], box]), params.length, params.angle)
    rest = np.float32(1.0) - moved[..., 3:]
    still = np.float32(1.0) - box[..., None]
    behind = still * light + box[..., None] * _filled(light, still[..., 0])
    out = np.array(image)
    out[top:bottom, left:right] = encode(np.asarray(moved[..., :3] + rest * behind, dtype=np.float32))
    return out


def _reach(alpha: Float, margin: int) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what is not transparent, with a margin, within the picture."""
    rows, columns = np.flatnonzero(alpha.max(axis=1) > 1e-3), np.flatnonzero(alpha.max(axis=0) > 1e-3)
    if rows.size == 0:
        return 0, alpha.shape[0], 0, alpha.shape[1]
    top, bottom = max(0, int(rows[0]) - margin), min(alpha.shape[0], int(rows[-1]) + 1 + margin)
    left, right = max(0, int(columns[0]) - margin), min(alpha.shape[1], int(columns[-1]) + 1 + margin)
    return top, bottom, left, right


def _averaged(layer: Float, length: float, angle: float) -> Float:
    """The mean of `layer` (h, w, 4) over a straight path of `length` px: 2^n places, by n doublings."""
    doublings = int(np.clip(math.ceil(math.log2(max(length, 1.0)) + 1.0), 1, 6))
    step = length / (2**doublings - 1)
    size = (layer.shape[1], layer.shape[0])
    for doubling in range(doublings):
        dx, dy = (0.5 * step * 2**doubling * part for part in (math.cos(angle), math.sin(angle)))
        there, back = (
            cv2.warpAffine(
                layer, np.array([[1.0, 0.0, s * dx], [0.0, 1.0, s * dy]]), size, borderMode=cv2.BORDER_REPLICATE
            )
            for s in (1.0, -1.0)
        )
        layer = cv2.addWeighted(there, 0.5, back, 0.5, 0.0).reshape(layer.shape)
    return layer


def _filled(light: Float, still: Float) -> Float:
    """What may lie behind the object: the background around it, ever more blurred, float32 of the shape of `light`."""
    height, width = still.shape
    size = (max(1, width // 8), max(1, height // 8))
    weight = cv2.resize(still, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0])
    colour = cv2.resize(light * still[..., None], size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 3)
    total, cover = colour * np.float32(1e-3), weight * np.float32(1e-3)
    mean = light.reshape(-1, 3).mean(axis=0)
    for sigma in (1.0, 3.0, 9.0, 27.0):  # each tells where the finer ones know nothing
        share = np.float32(10.0 ** -math.log2(sigma + 1))
        total += share * cv2.GaussianBlur(colour, (0, 0), sigma).reshape(colour.shape)
        cover += share * cv2.GaussianBlur(weight, (0, 0), sigma).reshape(weight.shape)
    small = np.where(cover[..., None] > 1e-6, total / np.maximum(cover, np.float32(1e-6))[..., None], mean)
    return np.asarray(cv2.resize(small.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)).reshape(
        light.shape
    )
