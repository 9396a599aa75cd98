"""The last pass of defocus: the layers in focus, at full size, between those behind and before them."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.blur.highlights import decode_lifted_pixels
from degradations.contract import Image
from degradations.light import encode_flat

Light = NDArray[np.float32]

#: A radius in pixels that changes nothing, and the one from which half size holds all detail.
SHARP_RADIUS, HALF_RADIUS = 0.4, 1.8


@numba.njit(cache=True, nogil=True)
def _weigh(rows: Light, first: int, out: Light, mixed: Light) -> None:
    """Four rows (4, n, c), a ring that begins at `first`, weighted (1, 3, 3, 1)/8 down and across: out (n/2, c)."""
    size, channels = rows.shape[1], rows.shape[2]
    above, upper, lower, below = rows[first], rows[(first + 1) % 4], rows[(first + 2) % 4], rows[(first + 3) % 4]
    three = np.float32(3.0)
    for x in range(size):
        for c in range(channels):
            mixed[x, c] = above[x, c] + below[x, c] + three * (upper[x, c] + lower[x, c])
    for x in range(out.shape[0]):
        left, right = max(0, 2 * x - 1), min(size - 1, 2 * x + 2)
        for c in range(channels):
            total = mixed[left, c] + mixed[right, c] + three * (mixed[2 * x, c] + mixed[2 * x + 1, c])
            out[x, c] = total * np.float32(1.0 / 64.0)


@numba.njit(cache=True, nogil=True)
def halve(image: Image, decode: Light, lift: Light, out: Light) -> None:
    """Linear light of `image` (uint8 (H, W, 3), both even), its highlights lifted, at half size: out (H/2, W/2, 3).

    The weights (1, 3, 3, 1)/8, the transpose of linear interpolation, keep every pixel's centroid; a mean of 2×2 pixels
    would move each by half a pixel towards the middle of its block.
    """
    height, width = image.shape[0], image.shape[1]
    rows, mixed = np.empty((4, width, 3), dtype=np.float32), np.empty((width, 3), dtype=np.float32)
    for i in range(2):
        decode_lifted_pixels(image[max(0, i - 1)], decode, lift, rows[i])
    for y in range(out.shape[0]):
        for i in range(2 * y + 1, 2 * y + 3):
            decode_lifted_pixels(image[min(i, height - 1)], decode, lift, rows[(i + 1) % 4])
        _weigh(rows, (2 * y) % 4, out[y], mixed)


@numba.njit(cache=True, nogil=True)
def halve_light(light: Light, out: Light) -> None:
    """`halve` for linear light, float32 (H, W, C)."""
    height, width, channels = light.shape
    rows, mixed = np.empty((4, width, channels), np.float32), np.empty((width, channels), np.float32)
    for y in range(out.shape[0]):
        for i in range(4):
            rows[i] = light[min(max(2 * y - 1 + i, 0), height - 1)]
        _weigh(rows, 0, out[y], mixed)


@numba.njit(cache=True, nogil=True)
def _doubled_row(plane: Light, y: int, first: int, out: Light, mixed: Light) -> None:
    """Row y of `plane` (h, w, channels) enlarged twice, bilinearly; one channel or three, from `first` on, as many as
    fill out (2w·channels). mixed: scratch, at least (w + 2)·channels long."""
    height, width = plane.shape[0], plane.shape[1]
    channels = out.size // (2 * width)
    upper, lower = plane[max(0, (y + 1) // 2 - 1)], plane[min(height - 1, (y + 1) // 2)]
    fy = np.float32(0.25) if y % 2 else np.float32(0.75)
    for x in range(width):
        for c in range(channels):
            mixed[(x + 1) * channels + c] = upper[x, first + c] + fy * (lower[x, first + c] - upper[x, first + c])
    for c in range(channels):
        mixed[c] = mixed[channels + c]
        mixed[(width + 1) * channels + c] = mixed[width * channels + c]
    near, far = np.float32(0.75), np.float32(0.25)
    if channels == 1:
        for x in range(width):
            out[2 * x] = far * mixed[x] + near * mixed[x + 1]
            out[2 * x + 1] = near * mixed[x + 1] + far * mixed[x + 2]
    else:
        for x in range(width):
            for c in range(3):
                out[6 * x + c] = far * mixed[3 * x + c] + near * mixed[3 * x + 3 + c]
                out[6 * x + 3 + c] = near * mixed[3 * x + 3 + c] + far * mixed[3 * x + 6 + c]


@numba.njit(cache=True, nogil=True)
def assemble(
    image: Image,
    decode: Light,
    lift: Light,
    encode: NDArray[np.uint8],
    position: Light,
    first: int,
    last: int,
    centre: float,
    pixels: float,
    half: Light,
    back: Light,
    front: Light,
    out: Image,
) -> None:
    """Lays the layers first..last over `back` and under `front`, and encodes light over cover.

    image, out: uint8 (H, W, 3), both sides even. position: of each pixel among the layers, float32 (H/2, W/2, 1).
    centre: the position in focus. pixels: radius of the circle of confusion one layer away from it. half: light,
    float32 (H/2, W/2, 3). back, front: premultiplied, float32 (H/2, W/2, 4), or without elements where there are none.
    """
    height, width = image.shape[0], image.shape[1]
    one, zero = np.float32(1.0), np.float32(0.0)
    sharp, span = np.float32(SHARP_RADIUS), np.float32(HALF_RADIUS - SHARP_RADIUS)
    lower, upper = np.float32(first - 1), np.float32(last + 1)
    middle, radius = np.float32(centre), np.float32(pixels)
    own, soft = np.zeros(width * 3, dtype=np.float32), np.zeros(width * 3, dtype=np.float32)
    under, over = np.zeros(width * 3, dtype=np.float32), np.zeros(width * 3, dtype=np.float32)
    under_cover, over_cover = np.zeros(width, dtype=np.float32), np.zeros(width, dtype=np.float32)
    depth, scratch = np.zeros(width, dtype=np.float32), np.empty((width + 4) * 3, dtype=np.float32)
    softness, share = np.zeros(width * 3, dtype=np.float32), np.zeros(width * 3, dtype=np.float32)
    beyond, normal = np.zeros(width * 3, dtype=np.float32), np.zeros(width * 3, dtype=np.float32)
    for y in range(height):
        if back.size > 0:
            _doubled_row(back, y, 0, under, scratch)
            _doubled_row(back, y, 3, under_cover, scratch)
        if front.size > 0:
            _doubled_row(front, y, 0, over, scratch)
            _doubled_row(front, y, 3, over_cover, scratch)
        if first <= last:
            decode_lifted_pixels(image[y], decode, lift, own.reshape(width, 3))
            _doubled_row(half, y, 0, soft, scratch)
            _doubled_row(position, y, 0, depth, scratch)
        for x in range(width):
            inside = min(depth[x] - lower, upper - depth[x])
            inside = inside if inside > zero else zero
            inside = inside if inside < one else one
            inside = inside if first <= last else zero
            blend = (abs(depth[x] - middle) * radius - sharp) / span
            blend = blend if blend > zero else zero
            blend = blend if blend < one else one
            through = one - over_cover[x]
            cover = over_cover[x] + through * (inside + (one - inside) * under_cover[x])
            scale = one / max(cover, np.float32(1e-3))
            for c in range(3):
                softness[3 * x + c] = blend
                share[3 * x + c] = through * inside * scale
                beyond[3 * x + c] = through * (one - inside) * scale
                normal[3 * x + c] = scale
        for i in range(width * 3):
            value = own[i] + softness[i] * (soft[i] - own[i])
            own[i] = over[i] * normal[i] + share[i] * value + beyond[i] * under[i]
        encode_flat(own, encode, out[y].reshape(-1))
