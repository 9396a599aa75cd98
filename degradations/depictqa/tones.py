"""DepictQA's changes of brightness, contrast and saturation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.hsv import with_saturation, with_value
from degradations.quantise import to_codes, to_float

Figures = tuple[float, ...]
_CODES = np.arange(256, dtype=np.float64)


def _table(curve: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(curve, 0.0, 255.0) + 0.5, dtype=np.uint8)


def shift_hsv(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """V plus the figure (of 1)."""
    return with_value(image, _CODES + 255.0 * figures[0])


def shift_rgb(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """R, G and B plus the figure (of 1)."""
    return _table(_CODES + 255.0 * figures[0])[image]


def gamma_hsv(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """V to the power of the figure."""
    return with_value(image, 255.0 * (_CODES / 255.0) ** figures[0])


def gamma_rgb(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """R, G and B to the power of the figure."""
    return _table(255.0 * (_CODES / 255.0) ** figures[0])[image]


def contrast_scale(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Distance from the mean grey times the figure."""
    mean = round(float(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean()))
    return _table(mean + figures[0] * (_CODES - mean))[image]


def contrast_stretch(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """x → 1/(1 + (m/x)^c), m the mean of the channel, c the figure; a black channel stays black."""
    out = np.empty_like(image)
    for channel in range(3):
        mean = float(image[..., channel].mean())
        ratio = mean / np.maximum(_CODES, 1e-9)
        curve = 255.0 / (1.0 + ratio ** figures[0]) if mean > 0 else _CODES
        out[..., channel] = _table(curve)[image[..., channel]]
    return out


def saturation_hsv(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """S times the figure."""
    return with_saturation(image, figures[0])


def saturation_ycrcb(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Cr and Cb, from their middle, times the figure."""
    luma = np.array([[0.299, 0.587, 0.114]] * 3, dtype=np.float64)
    matrix = luma + figures[0] * (np.eye(3) - luma)
    return to_codes(cv2.transform(to_float(image), matrix.astype(np.float32)))
