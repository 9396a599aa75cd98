"""The processor of a camera: demosaicing, denoising, colour and tone, in one pass over the picture."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.contract import Image, Params
from degradations.lowlight.sensing import Light, lit_row, lit_scratch

Float = NDArray[np.float32]

_LUMA = np.array([[0.25, 0.5, 0.25]])


class Denoise(Params):
    """luma, chroma: σ of the smoothing, px, U(.8, 2) and U(2, 6). share: of the noise that is smoothed, U(.5, .95)."""

    luma: float = Field(gt=0)
    chroma: float = Field(gt=0)
    share: float = Field(ge=0, le=1)

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Denoise:
        return cls(
            luma=float(rng.uniform(0.8, 2.0)), chroma=float(rng.uniform(2.0, 6.0)), share=float(rng.uniform(0.5, 0.95))
        )


def smoothed(mosaic: Float, denoise: Denoise) -> Float:
    """The 2×2 quads of a mosaic, luma smoothed a little and chroma much, so that blotches of colour remain.

    mosaic: float32 (H + 2, W + 2), as `sense` makes it. Returns float32 (3, h, w), times the denoiser's share.

    Quad (i, j) is the middle of the pixels 2i − 1, 2i and 2j − 1, 2j.
    """
    height, width = mosaic.shape
    even = cv2.copyMakeBorder(mosaic, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    green = cv2.addWeighted(even[::2, 1::2], 0.5, even[1::2, ::2], 0.5, 0.0)
    # The rim shifts the pattern by a pixel both ways: blue comes first.
    planes = [np.ascontiguousarray(even[1::2, 1::2]), green, np.ascontiguousarray(even[::2, ::2])]
    share = denoise.share
    chroma = [_blurred(plane, denoise.chroma / 2.0) for plane in planes]
    luma = _blurred(_luma(planes), denoise.luma / 2.0)
    shift = cv2.subtract(luma, _luma(chroma))
    return np.stack([cv2.addWeighted(plane, share, shift, share, 0.0) for plane in chroma])


def _luma(planes: list[Float]) -> Float:
    ends = cv2.addWeighted(planes[0], 0.25, planes[2], 0.25, 0.0)
    return np.asarray(cv2.scaleAdd(planes[1], 0.5, ends))


def _blurred(plane: Float, sigma: float) -> Float:
    size = 2 * max(1, int(np.ceil(2.5 * sigma))) + 1
    return np.asarray(cv2.GaussianBlur(plane, (size, size), sigma))


@numba.njit(cache=True, nogil=True)
def _demosaic_row(mosaic: Float, y: int, kept: np.float32, out: Float) -> None:
    """Row y of the colours, float32 (3, W), by bilinear interpolation of the RGGB `mosaic`, times `kept`."""
    up, row, low = mosaic[y], mosaic[y + 1], mosaic[y + 2]
    half, quarter = np.float32(0.5) * kept, np.float32(0.25) * kept
    first = y & 1  # of the row's green sites, 1 on rows of red
    own, other = (2, 0) if first else (0, 2)
    width = out.shape[1]
    for x in range(first, width, 2):  # red or blue sites
        out[own, x] = row[x + 1] * kept
        out[1, x] = quarter * (row[x] + row[x + 2] + up[x + 1] + low[x + 1])
        out[other, x] = quarter * (up[x] + up[x + 2] + low[x] + low[x + 2])
    for x in range(1 - first, width, 2):  # green sites
        out[own, x] = half * (row[x] + row[x + 2])
        out[1, x] = row[x + 1] * kept
        out[other, x] = half * (up[x + 1] + low[x + 1])


@numba.njit(cache=True, nogil=True)
def _add_smooth_row(smooth: Float, y: int, between: Float, out: Float) -> None:
    """Adds row y of `smooth`, enlarged twice by bilinear interpolation. between: scratch, (w,)."""
    width, columns = out.shape[1], smooth.shape[2]
    # Pixel y lies a quarter of a quad from the middle of its own, towards the other one.
    own = (y + 1) >> 1
    other = max(own - 1, 0) if y & 1 else min(own + 1, smooth.shape[1] - 1)
    three, one = np.float32(0.75), np.float32(0.25)
    for c in range(3):
        line, near, far = out[c], smooth[c, own], smooth[c, other]
        for j in range(columns):
            between[j] = three * near[j] + one * far[j]
        # One quad more than pixels need lies at the right, so that pixels 2j and 2j + 1 are between j and j + 1.
        for j in range(width >> 1):
            left, right = between[j], between[j + 1]
            line[2 * j] += three * left + one * right
            line[2 * j + 1] += one * left + three * right
        if width & 1:
            j = width >> 1
            line[width - 1] += three * between[j] + one * between[j + 1]


@numba.njit(cache=True, nogil=True)
def _develop(
    image: Image,
    light: Light,
    mosaic: Float,
    smooth: Float,
    kept: np.float32,
    for_light: Float,
    for_noise: Float,
    encode: Image,
    out: Image,
) -> None:
    height, width = image.shape[:2]
    lit, nodes = lit_scratch(light)
    noise, between = np.empty((3, width), dtype=np.float32), np.empty(smooth.shape[2], dtype=np.float32)
    index = np.empty((3, width), dtype=np.uint16)
    zero, one = np.float32(0.0), np.float32(1.0)
    for y in range(height):
        lit_row(image, y, light, nodes, lit)
        _demosaic_row(mosaic, y, kept, noise)
        if smooth.shape[2] > 0:
            _add_smooth_row(smooth, y, between, noise)
        for c in range(3):
            a, b, d = for_light[c, 0], for_light[c, 1], for_light[c, 2]
            e, f, g = for_noise[c, 0], for_noise[c, 1], for_noise[c, 2]
            for x in range(width):
                value = a * lit[0, x] + b * lit[1, x] + d * lit[2, x]
                value += e * noise[0, x] + f * noise[1, x] + g * noise[2, x]
                value = value if value > zero else zero
                value = value if value < one else one
                index[c, x] = np.uint16(np.int32(np.sqrt(value) * np.float32(4096.0) + np.float32(0.5)))
        for x in range(width):
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = encode[index[0, x]], encode[index[1, x]], encode[index[2, x]]


def develop(
    image: Image,
    light: Light,
    mosaic: Float,
    denoise: Denoise | None,
    for_light: NDArray[np.float64],
    for_noise: NDArray[np.float64],
    encode: Image,
) -> Image:
    """The developed picture, uint8 (H, W, 3).

    image: uint8 (H, W, 3), contiguous; its light is taken by the matrix `for_light`, linear sRGB → linear sRGB. mosaic:
    what the sensor adds, as `sense` returns it; demosaiced, denoised, and taken by `for_noise`, camera RGB → linear
    sRGB. encode: code of linear light at index √L·4096, uint8 (4097,).
    """
    out = np.empty(image.shape, dtype=np.uint8)
    none = np.empty((3, 0, 0), dtype=np.float32)
    smooth, kept = (none, 1.0) if denoise is None else (smoothed(mosaic, denoise), 1.0 - denoise.share)
    _develop(
        image, light, mosaic, smooth, np.float32(kept), for_light.astype(np.float32), for_noise.astype(np.float32),
        encode, out,
    )  # fmt: skip
    return out
