"""From relative depth to transmission.

Koschmieder (1924): I = J·t + A·(1 − t) with t = e^−τ and τ = ∫β ds; β = 3.912 / V, where V is the visibility (the
distance at which a contrast falls to 2%).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

#: ln 50: a contrast of 2% at the visibility.
CONTRAST = 3.912
#: Height of the field of view over its distance: about 45° from top to bottom.
FIELD_OF_VIEW = 0.83


def distance(disparity: Plane, near_m: float, far_m: float, gamma: float) -> Plane:
    """Metres, float32, of relative disparity in [0, 1]: 1/(aD^gamma + b), near_m at D = 1, far_m at D = 0."""
    inverse_far = np.float32(1.0 / far_m)
    return np.float32(1.0) / (disparity ** np.float32(gamma) * (np.float32(1.0 / near_m) - inverse_far) + inverse_far)


def optical_thickness(away: Plane, sky: Plane, visibility_m: float, scale_height_m: float, horizon: float) -> Plane:
    """τ, float32 (h, w), through air that thins out with height as e^(−height/scale_height_m).

    away: distance in metres, float32 (h, w). sky: its share of each pixel. A ray that rises with the sine s over the
    length z meets β·H/s·(1 − e^(−zs/H)); a level or falling one βz. The sky is the limit of z = ∞. horizon: its row as
    a share of the height.
    """
    rows = (np.arange(away.shape[0], dtype=np.float32) + np.float32(0.5)) / np.float32(away.shape[0])
    tangent = np.maximum((np.float32(horizon) - rows) * np.float32(FIELD_OF_VIEW), np.float32(0.01))
    reach = np.float32(scale_height_m) * (np.sqrt(np.float32(1.0) + tangent * tangent) / tangent)[:, None]
    land = reach * -np.expm1(-away / reach)
    return np.asarray(np.float32(CONTRAST / visibility_m) * (land + sky * (reach - land)))


def place(thickness: Plane, sky: Plane, mean_transmission: float) -> float:
    """The factor on optical `thickness`, float32 (h, w), by which the mean transmission is `mean_transmission`.

    sky: its share of each pixel; it counts a quarter, so that a haze that hardly shows leaves it its colour. Solved on
    about 1,000 pixels by Newton's method: the logarithm of a mean of exponentials is convex, so the steps from below
    never pass the solution.
    """
    step = max(1, thickness.size // 1000)
    depth = np.maximum(thickness.reshape(-1)[::step].astype(np.float64), 1e-9)
    weight = 1.0 - 0.75 * sky.reshape(-1)[::step].astype(np.float64)
    weight /= weight.sum()
    wanted = np.log(mean_transmission)
    factor = 0.0
    for _ in range(12):
        kept = weight * np.exp(-factor * depth)
        mean = float(kept.sum())
        factor += (np.log(mean) - wanted) * mean / float(kept @ depth)
    return float(factor)


def spread(field: NDArray[np.float32], height: int, width: int) -> Plane:
    """`field` stretched over (height, width), float32."""
    return np.asarray(cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)).clip(min=0.0)
