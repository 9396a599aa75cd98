"""Scores of a pair: fidelity, strength by intended degradation, and shift."""

from __future__ import annotations

import math
import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.decoding import decode
from filters.scoring import score_pair

NAMES = {
    "pair.psnr",
    "pair.ssim",
    "pair.detail_ratio",
    "pair.contrast_ratio",
    "pair.residual_sigma",
    "pair.light_lost",
    "pair.light_added",
    "pair.fringe_sigma",
    "pair.shift",
    "pair.shift_share",
    "pair.shift_least",
    "pair.local_shift",
    "pair.warp",
    "pair.structure",
    "pair.changed",
    "pair.skeleton_shift",
    "pair.skeleton_unmatched",
    "pair.strength",
}
DEGRADATIONS = ["noise", "blur", "compression", "haze", "realesrgan", "another"]


def noise(clean, sigma):
    rng = np.random.default_rng(1)
    return np.clip(clean + rng.normal(0, sigma, clean.shape), 0, 255).round().astype(np.uint8)


def blur(clean, sigma):
    return cv2.GaussianBlur(clean, (0, 0), sigma)


def motion(clean, length):
    kernel = np.zeros((length, length), np.float32)
    cv2.line(kernel, (0, length // 4), (length - 1, length - 1 - length // 4), 1.0)
    return cv2.filter2D(clean, -1, kernel / kernel.sum())


def jpeg(clean, quality):
    encoded = cv2.imencode(".jpg", clean[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])


def haze(clean, density):
    """A veil that thickens towards the top."""
    transmission = np.exp(-density * np.linspace(1.5, 0.5, clean.shape[0]))[:, None, None]
    return (clean * transmission + 215 * (1 - transmission)).round().astype(np.uint8)


#: Degradation → what makes it, from weak to strong.
LADDERS = {
    "noise": (noise, [0.5, 2, 6, 15, 40, 90]),
    "blur": (blur, [0.4, 0.8, 1.5, 3, 6, 12]),
    "compression": (jpeg, [98, 85, 60, 30, 12, 4]),
    "haze": (haze, [0.02, 0.1, 0.3, 0.8, 1.6, 4]),
}


@pytest.fixture(scope="module")
def photographs(photo_paths):
    chosen = [path for path in photo_paths if path.stem in ("astronaut", "chelsea", "coffee", "china")]
    return [decode(path.read_bytes(), 10**7).pixels for path in chosen]


def shifted_pair(photo, quarters):
    """A pair of which the degraded picture lies `quarters`/4 px further right, by area averaging 4×4 photo pixels."""
    height, width = (side // 4 * 4 - 16 for side in photo.shape[:2])
    size = (width // 4, height // 4)
    clean = cv2.resize(photo[:height, 16 : 16 + width], size, interpolation=cv2.INTER_AREA)
    start = 16 - quarters
    return cv2.resize(photo[:height, start : start + width], size, interpolation=cv2.INTER_AREA), clean


def test_equal_pictures(photographs):
    for name in DEGRADATIONS:
        scores = score_pair(photographs[0].copy(), photographs[0], name)
        assert set(scores) == NAMES
        assert scores["pair.psnr"] == 100.0
        assert scores["pair.ssim"] == pytest.approx(1.0, abs=1e-6)
        assert scores["pair.strength"] == pytest.approx(0.0, abs=1e-6)
        assert scores["pair.shift"] == pytest.approx(0.0, abs=1e-3)


def test_psnr_is_its_definition(photographs):
    degraded = noise(photographs[0], 10)
    error = np.mean((degraded.astype(float) - photographs[0]) ** 2)
    assert score_pair(degraded, photographs[0], "noise")["pair.psnr"] == pytest.approx(10 * math.log10(255**2 / error))


def test_ssim_agrees_with_scikit_image(photographs):
    metrics = pytest.importorskip("skimage.metrics")
    for degraded in (noise(photographs[1], 20), blur(photographs[1], 2), jpeg(photographs[1], 20)):
        grey = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (degraded, photographs[1])]
        expected = metrics.structural_similarity(
            *grey, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
        )[1].mean()
        assert score_pair(degraded, photographs[1], "noise")["pair.ssim"] == pytest.approx(expected, abs=2e-3)


def test_residual_is_the_noise_and_not_the_exposure(photographs):
    clean = np.clip(photographs[0], 60, 180)
    brighter = noise(clean, 10).astype(int) + 30
    score = score_pair(brighter.astype(np.uint8), clean, "noise")["pair.residual_sigma"]
    assert score == pytest.approx(10, rel=0.03)


@pytest.mark.parametrize("name", LADDERS)
def test_strength_grows_with_the_degradation(name, photographs):
    degrade, ladder = LADDERS[name]
    for clean in photographs:
        strengths = [score_pair(degrade(clean, step), clean, name)["pair.strength"] for step in ladder]
        assert all(0 <= strength <= 1 for strength in strengths)
        assert strengths == sorted(strengths)
        assert strengths[-1] - strengths[0] > 0.25


def test_strength_knows_the_intended_degradation(photographs):
    """Noise is no haze: the same picture is strongly noisy and hardly hazy."""
    degraded = noise(photographs[0], 40)
    assert score_pair(degraded, photographs[0], "noise")["pair.strength"] > 0.6
    assert score_pair(degraded, photographs[0], "haze")["pair.strength"] < 0.2


@pytest.mark.parametrize("spoil", [None, (noise, 15), (blur, 1.5), (jpeg, 30), (haze, 0.8)])
def test_shift_is_measured_to_a_fraction_of_a_pixel(spoil, shared_photos):
    photo = decode(shared_photos[6].read_bytes(), 10**8).pixels
    measured = []
    for quarters in (0, 1, 2, 4, 8, 16):
        degraded, clean = shifted_pair(photo, quarters)
        if spoil:
            degraded = spoil[0](degraded, spoil[1])
        measured.append(score_pair(degraded, clean, "compression")["pair.shift"])
    assert measured == sorted(measured)
    assert np.abs(np.array(measured) - [0, 0.25, 0.5, 1, 2, 4]).max() < 0.2


@pytest.mark.parametrize("name", LADDERS)
def test_an_unshifted_pair_keeps_still(name, photographs):
    degrade, ladder = LADDERS[name]
    for clean in photographs:
        for step in ladder[:-1]:
            assert score_pair(degrade(clean, step), clean, name)["pair.shift_least"] < 0.5


def test_a_symmetric_smear_is_no_shift_and_a_shifted_smear_is(photographs):
    for clean in photographs:
        smeared = motion(clean, 21)
        still = score_pair(smeared, clean, "blur")
        moved = score_pair(np.roll(smeared, 6, axis=1), clean, "blur")
        assert still["pair.shift_least"] < 0.5
        assert moved["pair.shift"] == pytest.approx(6, abs=0.75)
        assert moved["pair.shift_share"] == moved["pair.shift"] / min(clean.shape[:2])


def test_sizes_must_agree():
    with pytest.raises(ValueError, match="make them one size first"):
        score_pair(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8), "noise")


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    constant=st.booleans(),
    name=st.sampled_from(DEGRADATIONS),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_size_has_scores_without_a_warning(height, width, constant, name, seed):
    rng = np.random.default_rng(seed)
    clean = rng.integers(0, 256, (1, 1, 3) if constant else (height, width, 3), dtype=np.uint8)
    clean = np.ascontiguousarray(np.broadcast_to(clean, (height, width, 3)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score_pair(rng.integers(0, 256, clean.shape, dtype=np.uint8), clean, name)
    assert set(scores) == NAMES
    assert all(isinstance(score, float) for score in scores.values())
    assert not scores["pair.strength"] < 0 and not scores["pair.strength"] > 1
    assert not scores["pair.ssim"] > 1 + 1e-6
    if constant:
        assert math.isnan(scores["pair.shift"])
