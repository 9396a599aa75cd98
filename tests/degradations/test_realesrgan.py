"""The Real-ESRGAN chain: kernels, distributions, alignment."""

from __future__ import annotations

import math
from collections import Counter

import cv2
import numpy as np
import pytest

from degradations import kernels
from degradations.filtering import convolve, trimmed
from degradations.noise.real_esrgan import EsrganNoise
from degradations.realesrgan import RealEsrgan, RealEsrganParams
from degradations.resize import resize
from degradations.rng import generator
from degradations.scene import Scene
from schemas.recipe.degradations import RealEsrganSection
from tests.degradations.pictures import crops, mean_square_error, shift, smooth_crop

SCENE = Scene(1024, 1024)
DRAWS = 6000
CHAIN = RealEsrgan(RealEsrganSection())


@pytest.fixture(scope="module")
def drawn():
    rng = generator(4, "draws")
    return [CHAIN.draw(rng, SCENE, (i + 0.5) / DRAWS) for i in range(DRAWS)]


# Kernels


@pytest.mark.parametrize(
    "kernel",
    [
        kernels.generalized_gaussian(21, 2.0, 2.0),
        kernels.generalized_gaussian(21, 3.0, 0.4, 0.7),
        kernels.generalized_gaussian(13, 2.0, 1.0, -2.0, 0.5),
        kernels.plateau(21, 1.5, 2.5, 1.0, 1.7),
        kernels.sinc(21, math.pi / 5),
        kernels.sinc(7, 3.0),
    ],
)
def test_kernels_sum_to_one_and_are_centred(kernel):
    assert kernel.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-15)
    rng = np.random.default_rng(0)
    image = (rng.random((61, 300, 3)) * 255).astype(np.float32)
    exact = cv2.filter2D(image.astype(np.float64), -1, kernel)
    np.testing.assert_allclose(convolve(image, kernel), exact, atol=0.26)  # at most what trimming may cost
    exact = cv2.filter2D(image.astype(np.float64), -1, trimmed(kernel))
    np.testing.assert_allclose(convolve(image, kernel), exact, atol=2e-3)


def test_gaussian_kernels_have_their_width():
    kernel = kernels.generalized_gaussian(41, 3.0, 1.5, 0.5)
    steps = np.arange(41) - 20
    y, x = np.meshgrid(steps, steps, indexing="ij")
    along, across = math.cos(0.5) * x + math.sin(0.5) * y, -math.sin(0.5) * x + math.cos(0.5) * y
    assert np.sum(kernel * along**2) == pytest.approx(9.0, rel=0.01)
    assert np.sum(kernel * across**2) == pytest.approx(2.25, rel=0.01)


def test_bessel_function():
    # Abramowitz and Stegun, table 9.1.
    known = {0.0: 0.0, 1.0: 0.4400505857, 2.0: 0.5767248078, 5.0: -0.3275791376, 10.0: 0.0434727462}
    np.testing.assert_allclose(kernels.bessel_j1(np.array(list(known))), list(known.values()), atol=1e-10)


def test_sinc_passes_below_its_cutoff_and_stops_above():
    kernel = kernels.sinc(61, math.pi / 2)
    response = np.abs(np.fft.fft2(kernel, (256, 256)))
    assert response[0, 20] == pytest.approx(1.0, abs=0.1)
    assert response[0, 110] == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("interpolation", ["area", "linear", "cubic"])
@pytest.mark.parametrize("factor", [0.15, 0.5, 0.77, 1.0, 1.5])
def test_resizing_there_and_back_keeps_the_picture_in_place(interpolation, factor):
    image = smooth_crop(187, 181)
    small = resize(image, (round(187 * factor), round(181 * factor)), interpolation)
    back = resize(small, (187, 181), interpolation)
    assert shift(image, back) < 0.1


# Distributions


def test_kernel_kinds_and_sizes_occur_as_specified(drawn):
    for blurs, top in (
        ([p.first.kernel for p in drawn], 3.0),
        ([p.second.kernel for p in drawn if p.second.kernel is not None], 1.5),
    ):
        kinds = Counter(k.kind for k in blurs)
        assert kinds["sinc"] / len(blurs) == pytest.approx(0.1, abs=0.015)
        others = len(blurs) - kinds["sinc"]
        for kind, share in {
            "iso": 0.45,
            "aniso": 0.25,
            "generalized_iso": 0.12,
            "generalized_aniso": 0.03,
            "plateau_iso": 0.12,
            "plateau_aniso": 0.03,
        }.items():
            assert kinds[kind] / others == pytest.approx(share, abs=0.02)
        sizes = Counter(k.size for k in blurs)
        assert set(sizes) == {7, 9, 11, 13, 15, 17, 19, 21}
        assert max(sizes.values()) / len(blurs) < 0.145
        sigmas = np.array([k.sigma_x for k in blurs if k.kind != "sinc"])
        assert 0.2 <= sigmas.min() <= sigmas.max() <= top
        assert sigmas.mean() == pytest.approx((0.2 + top) / 2, rel=0.04)
        assert sigmas.std() == pytest.approx((top - 0.2) / math.sqrt(12), rel=0.05)


def test_shapes_and_cutoffs_stay_in_range(drawn):
    blurs = [p.first.kernel for p in drawn]
    for k in blurs:
        if k.kind == "sinc":
            assert (math.pi / 3 if k.size < 13 else math.pi / 5) <= k.cutoff <= math.pi
        elif k.kind.endswith("iso") and not k.kind.endswith("aniso"):
            assert k.sigma_x == k.sigma_y
    generalized = np.array([k.beta for k in blurs if k.kind.startswith("generalized")])
    assert 0.5 <= generalized.min() < 1.0 < generalized.max() <= 4.0
    assert np.mean(generalized < 1.0) == pytest.approx(0.5, abs=0.06)
    flat = np.array([k.beta for k in blurs if k.kind.startswith("plateau")])
    assert np.mean(flat == 1.0) == pytest.approx(0.5, abs=0.06)
    assert flat.max() <= 2.0
    assert {k.beta for k in blurs if k.kind in ("iso", "aniso")} == {1.0}


def test_resizes_occur_as_specified(drawn):
    for scales, ways, low, high in (
        ([p.first.scale for p in drawn], (0.2, 0.7, 0.1), 0.15, 1.5),
        ([p.second.scale for p in drawn], (0.3, 0.4, 0.3), 0.3, 1.2),
    ):
        values = np.array(scales)
        shares = (np.mean(values > 1), np.mean(values < 1), np.mean(values == 1))
        assert shares == pytest.approx(ways, abs=0.02)
        assert low <= values.min() <= values.max() <= high
        assert values[values < 1].mean() == pytest.approx((1 + low) / 2, abs=0.02)
        assert values[values > 1].mean() == pytest.approx((1 + high) / 2, abs=0.02)
    interpolations = Counter(p.first.interpolation for p in drawn)
    assert all(n / DRAWS == pytest.approx(1 / 3, abs=0.02) for n in interpolations.values())


def test_noise_and_jpeg_occur_as_specified(drawn):
    for stages, sigma, scale in (
        ([p.first for p in drawn], 30.0, 3.0),
        ([p.second for p in drawn], 25.0, 2.5),
    ):
        gaussian = np.array([s.noise.strength for s in stages if s.noise.kind == "gaussian"])
        poisson = np.array([s.noise.strength for s in stages if s.noise.kind == "poisson"])
        assert len(gaussian) / DRAWS == pytest.approx(0.5, abs=0.02)
        assert np.mean([s.noise.grey for s in stages]) == pytest.approx(0.4, abs=0.02)
        assert gaussian.mean() == pytest.approx((1 + sigma) / 2, rel=0.04)
        assert poisson.mean() == pytest.approx((0.05 + scale) / 2, rel=0.04)
        assert 1.0 <= gaussian.min() <= gaussian.max() <= sigma
        assert 0.05 <= poisson.min() <= poisson.max() <= scale
        qualities = np.array([s.quality for s in stages])
        assert 30 <= qualities.min() <= qualities.max() <= 95
        assert qualities.mean() == pytest.approx(62.5, abs=1.2)


def test_the_tail_occurs_as_specified(drawn):
    assert np.mean([p.second.kernel is not None for p in drawn]) == pytest.approx(0.8, abs=0.02)
    assert np.mean([p.sinc is not None for p in drawn]) == pytest.approx(0.8, abs=0.02)
    assert np.mean([p.jpeg_last for p in drawn]) == pytest.approx(0.5, abs=0.02)
    cutoffs = [p.sinc[1] for p in drawn if p.sinc is not None]
    assert math.pi / 3 <= min(cutoffs) <= max(cutoffs) <= math.pi


# Pictures


def quiet(params: RealEsrganParams) -> RealEsrganParams:
    """The chain with next to no noise and mild codecs."""
    noise = EsrganNoise(kind="gaussian", strength=0.5, grey=False, seed=1)
    stages = {
        name: getattr(params, name).model_copy(update={"noise": noise, "quality": 95}) for name in ("first", "second")
    }
    return params.model_copy(update=stages)


@pytest.mark.parametrize("seed", range(12))
def test_the_chain_does_not_shift_the_picture(seed):
    image = smooth_crop(187, 181)
    scene = Scene(187, 181)
    params = CHAIN.draw(generator(seed, "shift"), scene, 0.5)
    out = CHAIN.apply(image, quiet(params), scene)
    assert out.shape == image.shape
    assert shift(image, out) < 0.1


def test_ringing_is_clamped_before_the_codec_not_wrapped():
    image = np.zeros((96, 96, 3), np.uint8)
    image[:, 48:] = 255
    for seed in range(12):
        params = quiet(CHAIN.draw(generator(seed, "edge"), Scene(96, 96), 0.5))
        out = CHAIN.apply(image, params, Scene(96, 96))
        assert out[:, :24].max() < 60
        assert out[:, 72:].min() > 195


def test_severity_raises_the_error():
    pictures, errors = crops(3), []
    for severity in (0.0, 0.25, 0.5, 0.75, 1.0):
        one = []
        for seed in range(24):
            image = pictures[seed % 3]
            params = CHAIN.draw(generator(seed), SCENE, severity)
            one.append(mean_square_error(CHAIN.apply(image, params, SCENE), image))
        errors.append(np.mean(one))
    assert np.all(np.diff(errors) > 0)
