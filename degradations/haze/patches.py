"""Patches of a pattern bank as a factor on optical thickness."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Params
from degradations.patterns.bank import Pattern, PatternChoice
from degradations.scene import Scene

#: Largest side of a pattern as it is used, pixels; it spans the picture or more.
SIDE = 128


class BankPatches(Params):
    """A field of the haze bank. span: the share of its side that the picture shows. top, left: where that part begins,
    as shares of the side. flipped: left for right."""

    pattern: PatternChoice
    span: float
    top: float
    left: float
    flipped: bool

    @classmethod
    def draw(cls, rng: np.random.Generator, scene: Scene) -> BankPatches:
        return cls(
            pattern=scene.banks["haze"].draw(rng),
            span=rng.uniform(0.4, 1.0),
            top=rng.uniform(),
            left=rng.uniform(),
            flipped=bool(rng.uniform() < 0.5),
        )


def bank_field(pattern: Pattern, patches: BankPatches, variation: float) -> NDArray[np.float32]:
    """Factor on optical thickness from a tileable pattern (uint8 (h, w), 128 times its factor): float32, of at most
    128 a side, not negative, mean 1.

    variation: coefficient of variation of the whole tile, which is flattened to it where its own is larger.
    """
    size = min(SIDE, pattern.shape[1]), min(SIDE, pattern.shape[0])
    tile = cv2.resize(pattern, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    tile = np.roll(tile, (round(-patches.top * size[1]), round(-patches.left * size[0])), axis=(0, 1))
    own = float(tile.std()) / max(float(tile.mean()), 1e-6)
    part = tile[: max(1, round(patches.span * size[1])), : max(1, round(patches.span * size[0]))]
    part = part[:, ::-1] if patches.flipped else part
    field = part / max(float(part.mean()), 1e-6)
    flatter = min(1.0, variation / max(own, 1e-6))
    return np.asarray(np.maximum(1.0 + flatter * (field - 1.0), 0.0), dtype=np.float32)
