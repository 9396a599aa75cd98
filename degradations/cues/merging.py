"""Merging of neighbouring superpixels into segments that resemble things.

Source: greedy hierarchical grouping by similarity, as in Uijlings et al. (2013), "Selective Search for Object
Recognition", here on mean colour, contrast along the shared border, depth, size and fill.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Labels = NDArray[np.int32]

#: What each difference costs: mean colour and border contrast per unit of CIE76 ΔE, depth per unit of disparity.
COLOUR, BORDER, DEPTH = 1.0, 1.2, 60.0
#: Cost of joining sky to land.
SKY = 400.0
#: Costs are multiplied by (share of the smaller segment · SIZE_UNIT)^SIZE_POWER: small ones join first.
SIZE_POWER, SIZE_UNIT = 0.35, 200.0


@numba.njit(cache=True, nogil=True)
def _cost(
    a: int,
    b: int,
    size: Plane,
    colour: Plane,
    depth: Plane,
    sky: Plane,
    border: Plane,
    contrast: Plane,
    box: Labels,
    total: int,
) -> float:
    """How unlike the segments a and b are; infinite where they do not touch."""
    if border[a, b] == 0.0:
        return np.inf
    delta = 0.0
    for channel in range(3):
        delta += (colour[a, channel] / size[a] - colour[b, channel] / size[b]) ** 2
    apart = abs(depth[a] / size[a] - depth[b] / size[b])
    top, left = min(box[a, 0], box[b, 0]), min(box[a, 1], box[b, 1])
    foot, right = max(box[a, 2], box[b, 2]), max(box[a, 3], box[b, 3])
    area = (foot - top + 1) * (right - left + 1)
    fill = (area - size[a] - size[b]) / area
    unlike = COLOUR * np.sqrt(delta) + BORDER * contrast[a, b] / border[a, b] + DEPTH * apart
    if (sky[a] > 0.5 * size[a]) != (sky[b] > 0.5 * size[b]):
        unlike += SKY
    smaller = min(size[a], size[b]) / total
    return float((unlike * (0.6 + 0.8 * fill)) * (smaller * SIZE_UNIT) ** SIZE_POWER)


@numba.njit(cache=True, nogil=True)
def merge(
    labels: Labels, lab: Plane, disparity: Plane, sky_plane: Plane, fewest: int, most: int, limit: float
) -> Labels:
    """Superpixels `labels` (int32 (h, w), 0 to n - 1) merged: int32 (h, w), numbered in reading order.

    lab: float32 (h, w, 3), CIE L*a*b*. disparity, sky_plane: float32 (h, w) in [0, 1]. The likest neighbours join,
    pair by pair, until there are `fewest`, or at most `most` and no pair costs less than `limit`.
    """
    height, width = labels.shape
    n = labels.max() + 1
    size = np.zeros(n, dtype=np.float32)
    colour = np.zeros((n, 3), dtype=np.float32)
    depth = np.zeros(n, dtype=np.float32)
    sky = np.zeros(n, dtype=np.float32)
    border = np.zeros((n, n), dtype=np.float32)
    contrast = np.zeros((n, n), dtype=np.float32)
    box = np.empty((n, 4), dtype=np.int32)
    box[:, 0], box[:, 1], box[:, 2], box[:, 3] = height, width, 0, 0
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            size[k] += 1.0
            depth[k] += disparity[y, x]
            sky[k] += sky_plane[y, x]
            box[k, 0], box[k, 1] = min(box[k, 0], y), min(box[k, 1], x)
            box[k, 2], box[k, 3] = max(box[k, 2], y), max(box[k, 3], x)
            for channel in range(3):
                colour[k, channel] += lab[y, x, channel]
            for step in range(2):
                below, right = y + step, x + 1 - step
                if below < height and right < width and labels[below, right] != k:
                    other = labels[below, right]
                    delta = 0.0
                    for channel in range(3):
                        delta += (lab[y, x, channel] - lab[below, right, channel]) ** 2
                    strength = np.float32(np.sqrt(delta))
                    border[k, other] += 1.0
                    border[other, k] += 1.0
                    contrast[k, other] += strength
                    contrast[other, k] += strength

    # Of each segment, its likest neighbour among those of higher number.
    cost = np.full(n, np.inf)
    likest = np.full(n, -1, dtype=np.int32)
    into = np.arange(n).astype(np.int32)
    alive = np.ones(n, dtype=np.bool_)
    for a in range(n):
        for b in range(a + 1, n):
            value = _cost(a, b, size, colour, depth, sky, border, contrast, box, height * width)
            if value < cost[a]:
                cost[a], likest[a] = value, b
    remaining = n
    while remaining > fewest:
        a = int(np.argmin(cost))
        if cost[a] == np.inf or (remaining <= most and cost[a] >= limit):
            break
        b = likest[a]
        size[a] += size[b]
        depth[a] += depth[b]
        sky[a] += sky[b]
        colour[a] += colour[b]
        box[a, 0], box[a, 1] = min(box[a, 0], box[b, 0]), min(box[a, 1], box[b, 1])
        box[a, 2], box[a, 3] = max(box[a, 2], box[b, 2]), max(box[a, 3], box[b, 3])
        alive[b], cost[b], into[b] = False, np.inf, a
        for c in range(n):
            if c != a and border[b, c] > 0.0:
                border[a, c] += border[b, c]
                border[c, a] = border[a, c]
                contrast[a, c] += contrast[b, c]
                contrast[c, a] = contrast[a, c]
            border[b, c], border[c, b] = 0.0, 0.0
        border[a, a] = 0.0
        remaining -= 1
        for c in range(n):
            if not alive[c] or (c != a and border[a, c] == 0.0 and likest[c] != b):
                continue
            cost[c], likest[c] = np.inf, -1
            for d in range(c + 1, n):
                if alive[d] and border[c, d] > 0.0:
                    value = _cost(c, d, size, colour, depth, sky, border, contrast, box, height * width)
                    if value < cost[c]:
                        cost[c], likest[c] = value, d

    number = np.full(n, -1, dtype=np.int32)
    found = 0
    out = np.empty((height, width), dtype=np.int32)
    for y in range(height):
        for x in range(width):
            k = labels[y, x]
            while into[k] != k:
                k = into[k]
            if number[k] < 0:
                number[k] = found
                found += 1
            out[y, x] = number[k]
    return out
