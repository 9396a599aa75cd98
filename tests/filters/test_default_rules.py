"""The default rules on real photographs: good ones pass, bad ones do not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from filters.decoding import decode
from filters.policy import decide
from filters.scoring import score_pair, score_source
from schemas.recipe.policy import PolicySection
from tests.conftest import SHARED
from tests.filters.test_pair_scores import LADDERS

POLICY = PolicySection()


#: What other sources and other filters say of a picture like no other, without a mark.
ALONE = {"source.near_duplicate_distance": 64.0, "source.similarity": 0.0, "source.watermark": 0.0}


def source_reasons(pixels):
    scores = {**score_source(pixels), **ALONE}
    return [reason for reason in decide(scores, "noise", "synthetic", POLICY) if reason.startswith("source.")]


def pair_reasons(degraded, clean, name):
    return [
        reason
        for reason in decide(score_pair(degraded, clean, name), name, "synthetic", POLICY)
        if reason.startswith("pair.")
    ]


def test_shipped_photographs_are_clean_targets(photo_paths):
    for path in photo_paths:
        assert source_reasons(decode(path.read_bytes(), 10**7).pixels) == [], path.name


def test_blurred_noisy_and_small_ones_are_not(photo_paths):
    rng = np.random.default_rng(0)
    blurred, noisy = 0, 0
    for path in photo_paths:
        pixels = decode(path.read_bytes(), 10**7).pixels
        blurred += "source.sharpness.low" in source_reasons(cv2.GaussianBlur(pixels, (0, 0), 2.5))
        grain = np.clip(pixels + rng.normal(0, 10, pixels.shape), 0, 255).round().astype(np.uint8)
        noisy += "source.noise_sigma.high" in source_reasons(grain)
        assert "source.short_side.low" in source_reasons(pixels[:255])
    assert blurred == noisy == len(photo_paths)


def test_a_constant_picture_has_no_sharpness():
    reasons = source_reasons(np.full((512, 512, 3), 128, np.uint8))
    assert reasons[0] == "source.sharpness.missing"
    assert "source.bandwidth.missing" in reasons and "source.dynamic_range.low" in reasons


def test_a_near_duplicate():
    scores = {"source.near_duplicate_distance": 5.0}
    assert "source.near_duplicate_distance.low" in decide(scores, "noise", "synthetic", POLICY)


@pytest.mark.parametrize("name", LADDERS)
def test_untouched_is_too_weak_destroyed_too_strong_and_the_middle_passes(name, photo_paths):
    clean = decode(photo_paths[3].read_bytes(), 10**7).pixels
    degrade, ladder = LADDERS[name]
    destroyed = {"noise": 150, "blur": 60, "compression": 1, "haze": 8}[name]
    assert pair_reasons(clean.copy(), clean, name) == ["pair.strength.low"]
    assert pair_reasons(degrade(clean, ladder[3]), clean, name) == []
    if name != "compression":  # even JPEG's lowest quality keeps structure
        assert "pair.strength.high" in pair_reasons(degrade(clean, destroyed), clean, name)
    assert "pair.shift_least.high" in pair_reasons(np.roll(clean, 2, axis=1), clean, "noise")


@pytest.mark.slow
def test_large_photographs_nearly_all_pass(shared_photos):
    rejected = [path.name for path in shared_photos if source_reasons(decode(path.read_bytes(), 10**8).pixels)]
    assert len(rejected) <= len(shared_photos) // 20


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "fewest"), [("blur", 4), ("noise", 5)])
def test_really_degraded_photographs_mostly_do_not(folder, fewest):
    paths = sorted((SHARED / "real" / folder).glob("*"))
    if not paths:
        pytest.skip("no ../shared/real beside this checkout")
    rejected = sum(bool(source_reasons(decode(path.read_bytes(), 10**8).pixels)) for path in paths)
    assert rejected >= fewest
