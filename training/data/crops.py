"""The same square of both images of a pair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from training.data.pairs import Pair, Pixels


class Crop(NamedTuple):
    """degraded, clean: what the editor trains on, of one size. whole: what the text encoder may look at, mirrored as
    they are.
    """

    degraded: Pixels
    clean: Pixels
    whole: Pixels


def reflected(image: Pixels, height: int, width: int) -> Pixels:
    """`image` continued by reflection at its lower and right border to at least (height, width)."""
    below, right = max(height - image.shape[0], 0), max(width - image.shape[1], 0)
    return np.pad(image, ((0, below), (0, right), (0, 0)), mode="reflect") if below or right else image


def random_crop(pair: Pair, side: int, mirrored: bool, rng: np.random.Generator) -> Crop:
    """A square of `side` pixels at one uniform place of both images. whole: the degraded picture around it."""
    step = -1 if mirrored else 1
    whole = np.ascontiguousarray(pair.degraded[:, ::step])
    degraded, clean = reflected(whole, side, side), reflected(pair.clean[:, ::step], side, side)
    top = int(rng.integers(degraded.shape[0] - side + 1))
    left = int(rng.integers(degraded.shape[1] - side + 1))
    return _cut(degraded, clean, whole, top, left, side)


def centre_crop(pair: Pair, side: int) -> Crop:
    """The square of `side` pixels in the middle of both images. whole: the degraded picture around it."""
    degraded, clean = reflected(pair.degraded, side, side), reflected(pair.clean, side, side)
    top, left = (degraded.shape[0] - side) // 2, (degraded.shape[1] - side) // 2
    return _cut(degraded, clean, pair.degraded, top, left, side)


def _cut(degraded: Pixels, clean: Pixels, whole: Pixels, top: int, left: int, side: int) -> Crop:
    square = np.s_[top : top + side, left : left + side]
    return Crop(degraded[square], clean[square], whole)
