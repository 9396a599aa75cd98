"""What the text encoder sees of a picture: its size, and how many tokens it becomes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.families.buckets import Size

EDIT, PLUS = "qwen-image-edit", "qwen-image-edit-plus"
#: Pixels that the text encoder's picture has, about: Qwen-Image-Edit shows it the picture that the autoencoder sees,
#: Plus a small one beside it (2025).
AREA = {EDIT: 1024 * 1024, PLUS: 384 * 384}
#: Sides are rounded to a multiple of this.
_MULTIPLE = 32
#: Pixels along the side of one of Qwen2.5-VL's picture tokens: 2×2 patches of 14 (2025).
_TOKEN = 28
#: Tokens of Qwen2 beside picture and instruction behind the dropped positions: the marks around the picture (2), those
#: behind the instruction (5), and Plus's "Picture 1: " (5).
_AROUND = {EDIT: 7, PLUS: 12}
#: Tokens that an instruction is taken to have where operations are counted: the mean of the nine English prompts of
#: RealRestorer (2026).
_INSTRUCTION = 10


def shown_size(height: int, width: int, area: int) -> Size:
    """The size of about `area` pixels at which a picture is shown, its shape kept but for rounding to 32 pixels."""
    aspect = width / height
    wide = math.sqrt(area * aspect)
    return Size(round(wide / aspect / _MULTIPLE) * _MULTIPLE, round(wide / _MULTIPLE) * _MULTIPLE)


def shown(picture: NDArray[np.uint8], area: int) -> Image.Image:
    """The picture, uint8 (H, W, 3), at its `shown_size`, by Lanczos' window."""
    height, width, _ = picture.shape
    size = shown_size(height, width, area)
    return Image.fromarray(picture).resize((size.width, size.height), Image.Resampling.LANCZOS)


def text_tokens(kind: str, height: int, width: int) -> int:
    """Text tokens of a sample with one picture in pixels and an instruction of ten tokens.

    1386 for Qwen-Image-Edit and 218 for Plus at 1024×1024, of which 37² and 14² are the picture's.
    """
    size = shown_size(height, width, AREA[kind])
    return round(size.height / _TOKEN) * round(size.width / _TOKEN) + _AROUND[kind] + _INSTRUCTION
