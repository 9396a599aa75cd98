"""How a pair of any size comes to the size of a training sample."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from schemas.errors import RecipeError
from schemas.recipe.training import DataSection
from training.data.crops import Crop, centre_crop, random_crop
from training.data.pairs import Pair, Pixels
from training.families.buckets import Size, aspect_buckets, nearest_bucket

#: Sides of a bucket are multiples of it: two of FLUX.1's latents, one token.
MULTIPLE = 16


@cache
def buckets(crop: int) -> tuple[Size, ...]:
    """The shapes of about crop² pixels. Raises RecipeError when there is none."""
    try:
        return aspect_buckets(crop**2, MULTIPLE)
    except ValueError as error:
        raise RecipeError(f"training.crop: {error}, or set data.fit to square or crop") from error


@cache
def bucket_of(height: int, width: int, crop: int) -> Size:
    """The bucket of a picture of height × width pixels."""
    return nearest_bucket(height, width, buckets(crop))


def middle(image: Pixels, size: Size) -> Pixels:
    """The largest middle of `image` that has the aspect of `size`, to within a pixel, brought to that size.

    A larger one is shrunk by area averages; a smaller one is enlarged with bicubic interpolation, the same for both
    images of a pair, so what it lacks in detail its target lacks too.
    """
    height, width = image.shape[:2]
    scale = min(height / size.height, width / size.width)
    inner = max(1, min(height, round(size.height * scale))), max(1, min(width, round(size.width * scale)))
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    cut = image[top : top + inner[0], left : left + inner[1]]
    if inner == size:
        return cut
    method = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(cut, (size.width, size.height), interpolation=method), dtype=np.uint8)


def fitted(pair: Pair, data: DataSection, crop: int) -> Crop:
    """A pair at the size that `data.fit` gives it, without anything random: its middle, not mirrored."""
    if data.fit == "crop":
        return centre_crop(pair, crop)
    height, width = pair.degraded.shape[:2]
    return _middles(pair, bucket_of(height, width, crop) if data.fit == "bucket" else Size(crop, crop), False)


def drawn_fit(pair: Pair, data: DataSection, size: Size, rng: np.random.Generator) -> tuple[Crop, bool]:
    """A pair at `size`, which `crop` needs square, as `data.fit` and `data.mirror` say; and whether it is mirrored."""
    mirrored = data.mirror and drawn_mirror(rng)
    crop = random_crop(pair, size.height, mirrored, rng) if data.fit == "crop" else _middles(pair, size, mirrored)
    return crop, mirrored


def drawn_mirror(rng: np.random.Generator) -> bool:
    """Whether a sample is mirrored, where the recipe mirrors: the first draw of its fit."""
    return bool(rng.random() < 0.5)


def _middles(pair: Pair, size: Size, mirrored: bool) -> Crop:
    step = -1 if mirrored else 1
    degraded, clean = (np.ascontiguousarray(middle(image, size)[:, ::step]) for image in (pair.degraded, pair.clean))
    return Crop(degraded, clean, degraded)
