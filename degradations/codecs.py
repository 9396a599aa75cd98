"""Encode and decode in memory: JPEG with given tables, WebP, AVIF, colour palette.

Every function takes and returns sRGB uint8 (H, W, 3) of equal shape. Encoders run on one thread, so that their
output does not depend on the machine's cores.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Literal

import cv2
import numpy as np
from PIL import Image as Pillow

from degradations.contract import Image

Chroma = Literal["4:2:0", "4:2:2", "4:4:4"]
#: Quantisation steps of the 64 coefficients in raster order, 1-255.
Table = tuple[int, ...]

# ITU-T T.81 Annex K, tables K.1 and K.2.
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
_CHROMA = (
    (17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99),
)  # fmt: skip


@cache
def _annex_k() -> tuple[np.ndarray, np.ndarray]:
    chroma = np.full((8, 8), 99)
    chroma[:4, :4] = _CHROMA
    return np.array(_LUMA).reshape(64), chroma.reshape(64)


def quality_tables(quality: int) -> tuple[Table, Table]:
    """Luma and chroma tables of the Independent JPEG Group's `quality` (1-100): Annex K scaled, at most 255."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    luma, chroma = (tuple(int(v) for v in np.clip((t * scale + 50) // 100, 1, 255)) for t in _annex_k())
    return luma, chroma


def encode_jpeg(image: Image, luma: Table, chroma: Table, subsampling: Chroma) -> bytes:
    """A baseline JPEG with exactly these quantisation tables."""
    stream = io.BytesIO()
    Pillow.fromarray(image).save(stream, "JPEG", qtables=[list(luma), list(chroma)], subsampling=subsampling)
    return stream.getvalue()


def decode(data: bytes) -> Image:
    """Decodes JPEG or WebP bytes."""
    return np.asarray(cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def jpeg(image: Image, quality: int) -> Image:
    """A JPEG generation with the standard tables of `quality` (1-100) and 4:2:0 chroma."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def webp(image: Image, quality: int, method: int) -> Image:
    """A lossy WebP generation of `quality` (0-100) and `method` (0 fastest, 6 slowest)."""
    stream = io.BytesIO()
    Pillow.fromarray(image).save(stream, "WEBP", quality=quality, method=method)
    return decode(stream.getvalue())


def avif(image: Image, quality: int, speed: int, subsampling: Chroma) -> Image:
    """An AVIF generation of `quality` (0-100) and `speed` (0 slowest, 10 fastest)."""
    stream = io.BytesIO()
    Pillow.fromarray(image).save(stream, "AVIF", quality=quality, speed=speed, subsampling=subsampling, max_threads=1)
    with Pillow.open(stream) as decoded:
        return np.asarray(decoded.convert("RGB"), dtype=np.uint8)


def jpeg2000(image: Image, decibels: float) -> Image:
    """A JPEG 2000 generation (irreversible wavelet) at a peak signal-to-noise ratio of `decibels`."""
    stream = io.BytesIO()
    Pillow.fromarray(image).save(
        stream,
        "JPEG2000",
        irreversible=True,
        quality_mode="dB",
        quality_layers=[decibels],
        num_resolutions=_levels(image),
    )
    with Pillow.open(stream) as decoded:
        return np.asarray(decoded.convert("RGB"), dtype=np.uint8)


def _levels(image: Image) -> int:
    """Resolutions of a JPEG 2000 file: at most the usual six, none smaller than a pixel."""
    return max(1, min(6, min(image.shape[:2]).bit_length()))


def palette(image: Image, colours: int, dither: bool) -> Image:
    """The picture in `colours` (2-256) colours, median cut on a thumbnail, with or without Floyd-Steinberg."""
    picture = Pillow.fromarray(image)
    thumbnail = picture.copy()
    thumbnail.thumbnail((160, 160))
    chosen = thumbnail.quantize(colours, method=Pillow.Quantize.MEDIANCUT)
    kind = Pillow.Dither.FLOYDSTEINBERG if dither else Pillow.Dither.NONE
    return np.asarray(picture.quantize(palette=chosen, dither=kind).convert("RGB"), dtype=np.uint8)
