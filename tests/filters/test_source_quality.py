"""What a clean target must not be: enlarged, blocky, black, white or flat."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from filters.decoding import decode
from filters.luma import luma
from filters.policy import decide
from filters.scoring import score_source
from filters.source.bandwidth import bandwidth
from filters.source.blockiness import blockiness
from filters.source.exposure import exposure
from schemas.recipe.policy import PolicySection


@pytest.fixture(scope="module")
def photographs(photo_paths):
    chosen = [path for path in photo_paths if path.stem in ("astronaut", "coffee", "motorcycle_left", "china")]
    return [decode(path.read_bytes(), 10**7).pixels for path in chosen]


def enlarged(pixels, factor, how):
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=how)


def jpeg(pixels, quality):
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


#: What other sources and other filters say of a picture like no other, without a mark.
ALONE = {"source.near_duplicate_distance": 64.0, "source.similarity": 0.0, "source.watermark": 0.0}


def source_reasons(pixels):
    scores = {**score_source(pixels), **ALONE}
    reasons = decide(scores, "noise", "synthetic", PolicySection())
    return [reason for reason in reasons if reason.startswith("source.")]


@pytest.mark.parametrize("how", [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4])
def test_an_enlarged_photograph_ends_early_in_the_spectrum(photographs, how):
    for pixels in photographs:
        plain = bandwidth(luma(pixels))["source.bandwidth"]
        reached = [bandwidth(luma(enlarged(pixels, factor, how)))["source.bandwidth"] for factor in (2, 3)]
        assert plain > 0.7 > 0.58 > max(reached)
        assert "source.bandwidth.low" in source_reasons(enlarged(pixels, 3, how))


def test_white_noise_reaches_nyquist_and_a_flat_picture_nowhere():
    noise = np.random.default_rng(0).normal(128, 20, (256, 256)).astype(np.float32)
    assert bandwidth(noise)["source.bandwidth"] > 0.97
    assert math.isnan(bandwidth(np.full((256, 256), 9.0, np.float32))["source.bandwidth"])


def test_blocks_show_whatever_the_crop(photographs):
    for pixels in photographs:
        strong = jpeg(pixels, 20)
        scores = [
            blockiness(luma(np.ascontiguousarray(strong[y:, x:])))["source.blockiness"] for y, x in ((0, 0), (3, 5))
        ]
        assert scores[0] == pytest.approx(scores[1], rel=0.1)
        ladder = [blockiness(luma(jpeg(pixels, quality)))["source.blockiness"] for quality in (95, 70, 40, 15)]
        assert ladder == sorted(ladder)
        assert blockiness(luma(pixels))["source.blockiness"] < 0.3 < scores[0]
    assert "source.blockiness.high" in source_reasons(jpeg(photographs[0], 20))


def test_exposure_is_shares_and_stops():
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:5] = 255
    assert exposure(pixels) == pytest.approx(
        {
            "source.clipped_dark": 0.5,
            "source.clipped_light": 0.5,
            "source.mean_light": 0.5,
            "source.dynamic_range": math.log2(12.92 * 255 / 0.5),
        }
    )
    two = np.full((10, 10, 3), 188, np.uint8)  # half of the light of white
    two[:5] = 255
    assert exposure(two)["source.dynamic_range"] == pytest.approx(1.0, abs=0.01)
    assert exposure(np.full((4, 4, 3), 90, np.uint8))["source.dynamic_range"] == 0.0


def test_black_white_and_flat_pictures_are_no_targets(photographs):
    pixels = photographs[0]
    assert "source.clipped_dark.high" in source_reasons((pixels * 0.01).astype(np.uint8))
    bright = np.clip(pixels.astype(np.int16) + 150, 0, 255).astype(np.uint8)
    assert "source.clipped_light.high" in source_reasons(bright)
    assert "source.dynamic_range.low" in source_reasons((120 + pixels * 0.1).astype(np.uint8))
