"""Reflection mixed by a network: where the mirrored scene shows is predicted, not computed."""

from __future__ import annotations

from typing import Literal, cast

import cv2
import numpy as np
from pydantic import Field

from degradations.contract import Image, Params, pick
from degradations.light import encode
from degradations.reflection.glass import GlassParams, Mode, draw_glass, mirrored_light
from degradations.reflection.weights import mixing_network, sha256_of
from degradations.scene import Scene
from degradations.severity import linear, position

#: Longest side of the pictures that the network sees, pixels.
LONGEST = 256
#: Share of the predicted weight that is applied, at severity 0 and 1.
STRENGTH = (0.1, 1.0)


class LearnedParams(Params):
    """pane: gives the mirrored scene its focus and ghosts. weights: path of the network, with its sha256.
    strength: share of the predicted weight that is applied."""

    mode: Literal["learned"] = "learned"
    pane: GlassParams
    weights: str
    sha256: str
    strength: float = Field(ge=0, le=1)


def draw_learned(rng: np.random.Generator, scene: Scene, severity: float, weights: str) -> LearnedParams:
    """Parameters of the learned mode: focused, defocused or ghosting, equally likely."""
    kind = cast(Mode, pick(rng, {"focused": 1.0, "defocused": 1.0, "ghosting": 1.0}))
    return LearnedParams(
        pane=draw_glass(rng, scene, severity, kind),
        weights=weights,
        sha256=sha256_of(weights),
        strength=linear(position(rng, severity), *STRENGTH),
    )


def mixed(image: Image, params: LearnedParams, other: Image) -> Image:
    """`image` (uint8 (H, W, 3), sRGB) with `other` (uint8 (h, w, 3), of its aspect) mixed in: T + s·W·(R − T) in sRGB.

    W, a weight a pixel and channel, is the network's answer to both pictures, as in SynNet (Wen et al. 2019). It is
    predicted on at most 256 pixels a side, rounded to 1/255 and stretched over the picture.
    """
    height, width = image.shape[:2]
    mirrored = encode(mirrored_light(params.pane, other, height, width))
    scale = min(1.0, LONGEST / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (image, mirrored)]
    network = mixing_network(params.weights, params.sha256)
    weight = np.round(network(np.concatenate(small, axis=2)) * np.float32(255.0)).astype(np.uint8)
    wide = cv2.resize(weight, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    second = cv2.resize(mirrored, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    wide, second = wide.reshape(image.shape), second.reshape(image.shape)
    first = image.astype(np.float32)
    out = first + np.float32(params.strength / 255.0) * wide * (second - first)
    return (out + np.float32(0.5)).astype(np.uint8)
