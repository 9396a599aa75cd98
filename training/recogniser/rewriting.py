"""What cameras, editors and sites do to every picture, degraded or not: no sign of a degradation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

#: Least share of each side that a crop keeps, and least pixels.
_KEPT, _SHORTEST = 0.6, 160
#: JPEG qualities at which nothing shows.
_QUALITY = (75, 98)


def framed(image: Image, rng: np.random.Generator) -> Image:
    """A crop of at least 60 % of each side, so that no grid of blocks begins at the corner."""
    spans = []
    for length in image.shape[:2]:
        kept = max(min(length, _SHORTEST), round(length * rng.uniform(_KEPT, 1.0)))
        start = int(rng.integers(length - kept + 1))
        spans.append(slice(start, start + kept))
    return np.ascontiguousarray(image[spans[0], spans[1]])


def rewritten(image: Image, rng: np.random.Generator) -> Image:
    """`image` (uint8 (H, W, 3), sRGB) as a camera or a site writes it; three quarters of them are JPEGs.

    In turn, each or not: shrunk to 70-100 %, another white balance and gamma by a few per cent, slight unsharp mask,
    grain of σ ≤ 1.5 codes, JPEG of quality 75-97. The same for all classes, so that none is known by its file format.
    """
    picture = _graded(_shrunk(image, rng), rng).astype(np.float32)
    if rng.uniform() < 0.3:
        picture += rng.uniform(0.1, 0.6) * (picture - cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 1.5)))
    if rng.uniform() < 0.3:
        picture += rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(rng.uniform(0.3, 1.5))
    codes = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    return _as_jpeg(codes, int(rng.integers(*_QUALITY))) if rng.uniform() < 0.75 else codes


def _shrunk(image: Image, rng: np.random.Generator) -> Image:
    factor = float(rng.uniform(0.7, 1.0)) if rng.uniform() < 0.25 else 1.0
    height, width = (max(1, round(length * factor)) for length in image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _graded(image: Image, rng: np.random.Generator) -> Image:
    codes = np.arange(256) / 255.0
    gamma = float(np.exp(rng.normal(0, 0.06)))
    curves = [np.clip(codes * np.exp(rng.normal(0, 0.03)), 0, 1) ** gamma for _ in range(3)]
    table = (np.stack(curves, 1) * 255 + 0.5).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), dtype=np.uint8)


def _as_jpeg(image: Image, quality: int) -> Image:
    encoded = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
