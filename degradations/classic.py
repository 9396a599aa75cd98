"""Kernels of image-corruption benchmarks (Hendrycks and Dietterich 2019), centred so that nothing moves."""

from __future__ import annotations

import cv2
import numpy as np

from degradations.contract import Image
from degradations.kernels import Kernel

#: Taps below this make products too small for float32's normal range, which processors handle a hundred times slower.
_DENORMAL = 1e-12


def motion_kernel(radius: int, sigma: float, angle: float) -> Kernel:
    """A line whose weight falls as one half of a Gaussian: 2·radius + 1 samples a pixel apart, σ in px.

    angle: of the line in degrees. The original starts at the line's bright end and so moves the picture; here the
    line's centroid is the kernel's centre. float64, odd size, sum 1.
    """
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    weights /= weights.sum()
    along = steps - weights @ steps
    x, y = along * np.cos(np.deg2rad(angle)), along * np.sin(np.deg2rad(angle))
    reach = int(np.ceil(np.abs(along).max())) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right_share, low_share = x - left, y - top
    for dy, dx, share in (
        (0, 0, (1 - low_share) * (1 - right_share)),
        (0, 1, (1 - low_share) * right_share),
        (1, 0, low_share * (1 - right_share)),
        (1, 1, low_share * right_share),
    ):
        np.add.at(kernel, (top + dy + reach, left + dx + reach), weights * share)
    return kernel


def disc_kernel(radius: int, sigma: float = 0.0) -> Kernel:
    """A disc of `radius` px, softened by a Gaussian of `sigma` px on 3×3 taps (none at 0); float64, sum 1."""
    steps = np.arange(-radius - 1, radius + 2)
    disc = (steps[:, None] ** 2 + steps[None, :] ** 2 <= radius**2).astype(np.float64)
    if sigma > 0:
        disc = np.asarray(cv2.GaussianBlur(disc, (3, 3), sigma, borderType=cv2.BORDER_CONSTANT))
    return disc / disc.sum()


def filtered(image: Image, kernel: Kernel) -> Image:
    """`image` (uint8 (H, W, 3)) through a small kernel, mirrored at its edges, rounded once."""
    taps = np.where(kernel < _DENORMAL, 0.0, kernel)[::-1, ::-1].astype(np.float32)
    return np.asarray(cv2.filter2D(image, -1, taps), dtype=np.uint8)
