"""DepictQA's blurs."""

from __future__ import annotations

from typing import Any

import cv2
import numba
import numpy as np

from degradations.classic import disc_kernel, filtered, motion_kernel
from degradations.contract import Image
from degradations.quantise import to_codes, to_float
from degradations.sampling import mix, part, stream

Figures = tuple[float, ...]


def gaussian(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """σ px."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), figures[0], borderType=cv2.BORDER_REFLECT_101), np.uint8)


def motion(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Radius and σ px, at `angle`."""
    return filtered(image, motion_kernel(int(figures[0]), figures[1], angle))


def lens(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """A disc, radius px."""
    return filtered(image, disc_kernel(int(figures[0])))


def zoom(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """The mean of the picture and of its enlargements by 1, 1.02, 1.04, ... below the figure, about its middle."""
    height, width = image.shape[:2]
    pixels = to_float(image)
    total = pixels.copy()
    factors = np.arange(1.0, figures[0], 0.02)
    middle = (width - 1) / 2, (height - 1) / 2
    for factor in factors:
        matrix = cv2.getRotationMatrix2D(middle, 0.0, float(factor))
        total += cv2.warpAffine(
            pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).reshape(pixels.shape)
    return to_codes(total / np.float32(len(factors) + 1))


def glass(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Gaussian of σ px, neighbours swapped within `shift` px in so many rounds, the Gaussian again."""
    sigma, shift, rounds = figures[0], int(figures[1]), int(figures[2])
    smooth = gaussian(image, (sigma,), angle, seed).copy()
    for number in range(rounds):
        _swap(smooth, shift, stream(seed, number))
    return gaussian(smooth, (sigma,), angle, seed)


def jitter(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Neighbours swapped within `shift` px."""
    out = image.copy()
    _swap(out, int(figures[0]), stream(seed, 0))
    return out


@numba.njit(cache=True, nogil=True)
def _swap(image: Image, shift: int, seed: Any) -> None:
    """Swaps each pixel, from the last one on, with one at most `shift` px away in each direction."""
    height, width = image.shape[0], image.shape[1]
    span = 2 * shift + 1
    for y in range(height - 1 - shift, shift - 1, -1):
        for x in range(width - 1 - shift, shift - 1, -1):
            bits = mix(seed, y * width + x)
            other_y = y + part(bits, 0) * span // 65536 - shift
            other_x = x + part(bits, 1) * span // 65536 - shift
            for channel in range(3):
                value = image[y, x, channel]
                image[y, x, channel] = image[other_y, other_x, channel]
                image[other_y, other_x, channel] = value
