"""Scores of a clean target mean what their units say."""

from __future__ import annotations

import math
import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.decoding import decode
from filters.luma import luma
from filters.scoring import score_source
from filters.source.noise_level import noise_level
from filters.source.sharpness import sharpness

NAMES = {
    "source.width",
    "source.height",
    "source.short_side",
    "source.aspect",
    "source.sharpness",
    "source.noise_sigma",
    "source.bandwidth",
    "source.blockiness",
    "source.clipped_dark",
    "source.clipped_light",
    "source.mean_light",
    "source.dynamic_range",
}


def discs(spread: float, contrast: float = 120.0) -> np.ndarray:
    """Grey discs, float32 (256, 256), whose edges are blurred to a Gaussian spread in pixels."""
    fine = np.full((1024, 1024), 60.0, np.float32)
    for row in range(4):
        for column in range(4):
            cv2.circle(fine, (128 + 256 * column, 128 + 256 * row), 90, 60.0 + contrast, -1)
    fine = cv2.GaussianBlur(fine, (0, 0), 4 * spread)
    return cv2.resize(fine, (256, 256), interpolation=cv2.INTER_AREA)


def test_resolution():
    scores = score_source(np.zeros((30, 120, 3), np.uint8))
    assert set(scores) == NAMES
    assert scores["source.width"] == 120 and scores["source.height"] == 30
    assert scores["source.short_side"] == 30 and scores["source.aspect"] == 4


@pytest.mark.parametrize("spread", [1.0, 1.5, 2.0, 3.0])
def test_sharpness_follows_the_spread_of_the_edges(spread):
    score = sharpness(discs(spread))["source.sharpness"]
    assert score == pytest.approx(1 / math.sqrt(spread**2 + 4 / 3), rel=0.05)


def test_sharpness_does_not_depend_on_contrast():
    low, high = (sharpness(discs(1.5, contrast))["source.sharpness"] for contrast in (40.0, 160.0))
    assert low == pytest.approx(high, rel=0.02)


def test_smear_in_one_direction_is_not_sharp():
    """Edges along the smear stay as they were; the worst orientation counts."""
    smeared = cv2.blur(discs(0.3), (9, 1))
    assert sharpness(discs(0.3))["source.sharpness"] > 0.8
    assert sharpness(smeared)["source.sharpness"] < 0.6


def test_a_soft_background_does_not_count_against_the_subject():
    picture = np.hstack([discs(4.0), discs(0.5)])
    assert sharpness(picture)["source.sharpness"] == pytest.approx(sharpness(discs(0.5))["source.sharpness"], rel=0.02)


def test_no_edges_no_sharpness():
    assert math.isnan(sharpness(np.full((64, 64), 128, np.float32))["source.sharpness"])


@pytest.mark.parametrize("sigma", [1.5, 4.0, 12.0])
def test_noise_sigma_is_in_codes(sigma):
    rng = np.random.default_rng(0)
    grey = np.full((512, 512), 128.0) + rng.normal(0, sigma, (512, 512))
    estimate = noise_level(np.round(grey).astype(np.float32))["source.noise_sigma"]
    assert estimate == pytest.approx(sigma, rel=0.1)


def test_coarse_grain_is_noise_too():
    rng = np.random.default_rng(0)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (512, 512)).astype(np.float32), (0, 0), 1.0)
    grey = 128 + grain * 8 / grain.std()
    assert noise_level(grey)["source.noise_sigma"] > 2.5


def test_clipped_areas_say_nothing_of_noise():
    rng = np.random.default_rng(0)
    noisy = 128 + rng.normal(0, 5, (128, 128))
    half_white = np.hstack([noisy, np.full((128, 384), 255.0)]).astype(np.float32)
    assert noise_level(half_white)["source.noise_sigma"] == pytest.approx(5.0, rel=0.15)
    assert math.isnan(noise_level(np.zeros((128, 128), np.float32))["source.noise_sigma"])


def test_on_photographs_blur_lowers_sharpness_and_noise_raises_sigma(photo_paths):
    rng = np.random.default_rng(0)
    for path in photo_paths:
        pixels = decode(path.read_bytes(), 10**7).pixels
        plain = score_source(pixels)
        blurred = score_source(cv2.GaussianBlur(pixels, (0, 0), 2.0))
        noise = rng.normal(0, 8, pixels.shape)
        noisy = score_source(np.clip(pixels + noise, 0, 255).astype(np.uint8))
        assert blurred["source.sharpness"] < plain["source.sharpness"]
        assert noisy["source.noise_sigma"] > plain["source.noise_sigma"] + 2


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    constant=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_size_has_scores_without_a_warning(height, width, constant, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (1, 1, 3) if constant else (height, width, 3), dtype=np.uint8)
    pixels = np.ascontiguousarray(np.broadcast_to(pixels, (height, width, 3)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score_source(pixels)
    assert set(scores) == NAMES
    assert all(isinstance(score, float) for score in scores.values())
    assert not scores["source.sharpness"] < 0 and not scores["source.sharpness"] > 1


def test_luma_weights_green_most():
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert np.abs(luma(pixels)[0] - [76.2, 149.7, 29.1]).max() < 0.6
