"""DepictQA's noises."""

from __future__ import annotations

from typing import Any

import cv2
import numba
import numpy as np

from degradations.contract import Image
from degradations.noise.additive import add_normal, add_poisson, colour_matrix
from degradations.quantise import to_codes, to_float
from degradations.sampling import mix, stream

Figures = tuple[float, ...]
_ONE, _S11 = np.uint64(1), np.uint64(11)

#: From Y, Cr, Cb differences to R, G, B (ITU-R BT.601, as OpenCV has it).
_TO_RGB = np.array([[1.0, 1.403, 0.0], [1.0, -0.714, -0.344], [1.0, 0.0, 1.773]], dtype=np.float32)


def gaussian_rgb(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Independent in R, G and B."""
    return to_codes(add_normal(to_float(image), colour_matrix(255.0 * figures[0], False), seed))


def gaussian_ycrcb(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Independent in Y, Cr and Cb, chroma by a factor stronger."""
    sigma = 255.0 * figures[0]
    spread = np.array([sigma, sigma * figures[1], sigma * figures[1]], dtype=np.float32)
    return to_codes(add_normal(to_float(image), _TO_RGB * spread, seed))


def speckle(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Gaussian times the value."""
    return to_codes(add_normal(to_float(image), colour_matrix(255.0 * figures[0], False), seed, multiplicative=True))


def spatially_correlated(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Gaussian, then the noisy picture through a 3×3 box."""
    noisy = add_normal(to_float(image), colour_matrix(255.0 * figures[0], False), seed)
    return to_codes(np.asarray(cv2.blur(noisy, (3, 3)), dtype=np.float32))


def poisson(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Counts of `figure` photons at white."""
    return to_codes(add_poisson(to_float(image), image, figures[0], seed))


def impulse(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """This share of the values becomes 0 or 255, equally often."""
    out = np.ascontiguousarray(image).copy()
    _strike(out.reshape(-1), figures[0], stream(seed, 0))
    return out


@numba.njit(cache=True, nogil=True)
def _strike(values: Image, share: float, seed: Any) -> None:
    for i in range(values.size):
        bits = mix(seed, i)
        if np.float64(bits >> _S11) * 1.1102230246251565e-16 < share:
            values[i] = 255 if bits & _ONE else 0
