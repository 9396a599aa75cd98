"""A pattern of the bank laid over a picture."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.patterns.bank import Pattern

Float = NDArray[np.float32]

#: Short side, pixels, that is enough for flares, which are smooth.
_SHORT = 512
#: Linear light of each code of a pattern, (code/255)², float32 (256,).
LIGHT: Float = ((np.arange(256) / 255.0) ** 2).astype(np.float32)

#: Within this share of its side from its border a pattern fades out: a photograph's light ends there, flare does not.
_MARGIN = 0.08


def without_core(limit: float) -> Float:
    """LIGHT bent to L/(1 + L/limit): the glow stays, the source itself goes."""
    return np.asarray(LIGHT / (np.float32(1.0) + LIGHT / np.float32(limit)), dtype=np.float32)


def reduction(height: int, width: int) -> int:
    """Whole factor by which a picture may be reduced for its flare."""
    return max(1, round(min(height, width) / _SHORT))


def towards_middle(height: int, width: int, x: float, y: float) -> float:
    """Direction in degrees, clockwise from the right, in which the middle of a picture lies from (x, y)."""
    return math.degrees(math.atan2((height - 1) / 2 - y, (width - 1) / 2 - x))


def inverse_affine(
    height: int, width: int, pattern: Pattern, x: float, y: float, turn: float, scale: float, shear: float, flip: bool
) -> NDArray[np.float64]:
    """From picture to pattern coordinates, pixels of their middles, float64 (2, 3).

    The pattern's middle falls on (x, y), its direction to the right is turned by `turn` degrees; at scale 1 its sides
    are twice the square root of the picture's area. shear: degrees. flip: first upside down.
    """
    angle = math.radians(turn)
    sides = np.array([pattern.shape[1], pattern.shape[0]], dtype=np.float64)
    unit = sides.max() / (2.0 * math.sqrt(height * width) * scale)
    cosine, sine = math.cos(angle), math.sin(angle)
    turned = np.array([[cosine, sine], [-sine, cosine]])
    sheared = np.array([[1.0, -math.tan(math.radians(shear))], [0.0, -1.0 if flip else 1.0]])
    matrix = unit * sheared @ turned
    return np.concatenate([matrix, ((sides - 1) / 2 - matrix @ np.array([x, y]))[:, None]], axis=1)


@numba.njit(cache=True, nogil=True)
def _add(pattern: Pattern, light: Float, affine: NDArray[np.float64], step: int, tint: Float, out: Float) -> None:
    # Pixel i of a picture reduced by `step` has its middle at step·i + (step − 1)/2.
    height, width = pattern.shape[0], pattern.shape[1]
    offset = (step - 1) / 2.0
    margin = max(1.0, _MARGIN * min(height, width))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            x = affine[0, 0] * (step * j + offset) + affine[0, 1] * (step * i + offset) + affine[0, 2]
            y = affine[1, 0] * (step * j + offset) + affine[1, 1] * (step * i + offset) + affine[1, 2]
            if x < 0.0 or y < 0.0 or x >= width - 1 or y >= height - 1:
                continue
            left, top = int(x), int(y)
            inside = min(min(x, width - 1 - x), min(y, height - 1 - y)) / margin
            share = np.float32(inside if inside < 1.0 else 1.0)
            u, v = np.float32(x - left), np.float32(y - top)
            for c in range(3):
                upper = light[pattern[top, left, c]]
                upper += u * (light[pattern[top, left + 1, c]] - upper)
                lower = light[pattern[top + 1, left, c]]
                lower += u * (light[pattern[top + 1, left + 1, c]] - lower)
                out[i, j, c] += share * tint[c] * (upper + v * (lower - upper))


def empty(height: int, width: int) -> Float:
    """No light over a picture of this size, reduced by `reduction`, float32 (h, w, 3)."""
    step = reduction(height, width)
    return np.zeros((-(-height // step), -(-width // step), 3), dtype=np.float32)


def add_pattern(
    flare: Float, pattern: Pattern, light: Float, affine: NDArray[np.float64], tint: Float, step: int
) -> None:
    """Adds to `flare`, a picture reduced by `step`, the pattern's light times `tint` (float32 (3,)).

    light: value of each code. affine: see `inverse_affine`. It fades out at the pattern's border.
    """
    _add(pattern, light, affine, step, tint, flare)
