"""APISR's chain and the web-style chain: distributions, codecs, place of the picture."""

from __future__ import annotations

import math
from collections import Counter

import cv2
import numpy as np
import pytest

from degradations import video
from degradations.apisr import Apisr
from degradations.apisr.codec import PRESETS, RANGES, ApisrCodec
from degradations.area import shrink_area
from degradations.noise.real_esrgan import EsrganNoise
from degradations.rng import generator
from degradations.scene import Scene
from degradations.web_style import WebStyle
from schemas.recipe.degradations import ApisrModes, ApisrSection, WebStyleSection
from tests.degradations.pictures import crops, mean_square_error, shift, smooth_crop

DRAWS = 5000
CHAIN, WEB = Apisr(ApisrSection()), WebStyle(WebStyleSection())
SCENE = Scene(192, 192)


@pytest.fixture(scope="module")
def drawn():
    out = []
    for seed in range(DRAWS):
        rng = generator(seed, "apisr")
        out.append(CHAIN.draw(rng, SCENE, float(rng.random())))
    return out


@pytest.fixture(scope="module")
def web():
    out = []
    for seed in range(DRAWS):
        rng = generator(seed, "web")
        out.append(WEB.draw(rng, Scene(1024, 1024), float(rng.random())))
    return out


def test_codecs_have_their_shares(drawn):
    first, last = (Counter(getattr(p, name).codec for p in drawn) for name in ("first_codec", "last_codec"))
    assert {name: n / DRAWS for name, n in first.items()} == pytest.approx({"jpeg": 0.4, "webp": 0.6}, abs=0.02)
    shares = {"jpeg": 0.06, "webp": 0.1, "avif": 0.1, "mpeg2": 0.12, "mpeg4": 0.12, "h264": 0.3, "h265": 0.2}
    assert {name: n / DRAWS for name, n in last.items()} == pytest.approx(shares, abs=0.02)


def test_settings_are_uniform_in_the_range_of_their_codec(drawn):
    for name, (best, worst) in RANGES.items():
        low, high = sorted((best, worst))
        settings = np.array([p.last_codec.setting for p in drawn if p.last_codec.codec == name])
        assert low <= settings.min() <= settings.max() <= high
        assert settings.mean() == pytest.approx((low + high) / 2, abs=0.12 * (high - low))
    methods = Counter(p.first_codec.method for p in drawn if p.first_codec.codec == "webp")
    assert set(methods) == set(range(7))
    presets = Counter(p.last_codec.preset for p in drawn if p.last_codec.codec in ("h264", "h265"))
    total = sum(presets.values())
    assert {name: n / total for name, n in presets.items()} == pytest.approx(PRESETS, abs=0.03)


def test_resizes_have_their_shares_ranges_and_places(drawn):
    for stages, low in (([p.first for p in drawn], 0.1), ([p.second for p in drawn], 0.15)):
        scales = np.array([stage.resizing.scale for stage in stages])
        assert (np.mean(scales > 1), np.mean(scales < 1), np.mean(scales == 1)) == pytest.approx(
            (0.2, 0.7, 0.1), abs=0.02
        )
        assert low <= scales.min() <= scales.max() <= 1.2
        assert scales[scales < 1].mean() == pytest.approx((1 + low) / 2, abs=0.02)
        places = Counter(stage.place for stage in stages)
        assert all(n / DRAWS == pytest.approx(1 / 3, abs=0.025) for n in places.values())
        assert len(places) == 3


def test_kernels_and_noise_are_real_esrgans(drawn):
    assert all(p.first.kernel is not None for p in drawn)
    assert np.mean([p.second.kernel is not None for p in drawn]) == pytest.approx(0.8, abs=0.02)
    sigmas = np.array([p.first.kernel.sigma_x for p in drawn if p.first.kernel.kind != "sinc"])
    assert sigmas.mean() == pytest.approx(1.6, abs=0.06)
    assert np.mean([p.first.kernel.kind == "sinc" for p in drawn]) == pytest.approx(0.1, abs=0.015)
    gaussian = [p.second.noise.strength for p in drawn if p.second.noise.kind == "gaussian"]
    assert len(gaussian) / DRAWS == pytest.approx(0.5, abs=0.025)
    assert 1 <= min(gaussian) <= max(gaussian) <= 25


def test_modes_weigh_the_last_codec():
    none = dict.fromkeys(ApisrModes.model_fields, 0.0)
    only = Apisr(ApisrSection(modes=ApisrModes(**{**none, "mpeg4": 1.0})))
    assert {only.draw(generator(seed), SCENE, 0.5).last_codec.codec for seed in range(20)} == {"mpeg4"}


@pytest.mark.parametrize("codec", list(RANGES))
def test_a_codec_gets_worse_along_its_range_and_moves_nothing(codec):
    image = smooth_crop(187, 181)
    method, preset = (3 if codec == "webp" else None), ("fast" if codec.startswith("h") else None)
    outs = [ApisrCodec(codec=codec, setting=s, method=method, preset=preset).apply(image) for s in RANGES[codec]]
    errors = [mean_square_error(out, image) for out in outs]
    assert 0 < errors[0] < errors[1] < 600
    assert shift(outs[0], image) < 0.1
    assert all(out.shape == image.shape and out.dtype == np.uint8 for out in outs)


@pytest.mark.parametrize("qscale", [8, 17, 31])
@pytest.mark.parametrize("codec", ["mpeg2", "mpeg4"])
def test_the_quantiser_scale_of_mpeg_is_the_one_asked_for(codec, qscale, monkeypatch):
    """The decoded luma's first horizontal frequency sits on the codec's grid: ISO 13818-2 §7.4, ISO 14496-2 §7.4.4."""
    planes = []
    back = video._from_planes
    monkeypatch.setattr(video, "_from_planes", lambda decoded, h, w: planes.append(decoded) or back(decoded, h, w))
    video.mpeg_frame(crops(1)[0] // 2 + 64, codec, qscale)
    luma = planes[0].reshape(-1)[: 192 * 192].reshape(24, 8, 24, 8).transpose(0, 2, 1, 3).reshape(-1, 8, 8)
    found = np.abs([cv2.dct(block.astype(np.float32))[0, 1] for block in luma])
    if codec == "mpeg2":  # multiples of weight 16 · scale 2q / 16
        away = np.abs(found - np.rint(found / (2 * qscale)) * 2 * qscale)
    else:  # zero or q·(2n + 1), less one for even q
        odd = qscale * (2 * np.maximum(np.rint((found / qscale - 1) / 2), 1) + 1) - (qscale % 2 == 0)
        away = np.minimum(found, np.abs(found - odd))
    assert np.mean(found > qscale) > 0.15
    assert np.quantile(away, 0.9) < 2.5


def test_a_picture_too_large_for_a_codec_is_several_frames(monkeypatch):
    image = smooth_crop(187, 181)
    whole = video.mpeg_frame(image, "mpeg4", 8)
    monkeypatch.setattr(video, "_LARGEST", 96)
    tiled = video.mpeg_frame(image, "mpeg4", 8)
    assert tiled.shape == image.shape
    assert mean_square_error(tiled, whole) < 8


@pytest.mark.parametrize("seed", range(6))
def test_the_chain_does_not_shift_the_picture(seed):
    image = smooth_crop(187, 181)
    params = CHAIN.draw(generator(seed, "shift"), Scene(187, 181), 0.3)
    noise = EsrganNoise(kind="gaussian", strength=0.5, grey=False, seed=1)
    quiet = {name: getattr(params, name).model_copy(update={"noise": noise}) for name in ("first", "second")}
    mild = ApisrCodec(codec="jpeg", setting=95)
    out = CHAIN.apply(image, params.model_copy(update={**quiet, "first_codec": mild, "last_codec": mild}), SCENE)
    assert out.shape == image.shape
    assert shift(out, image) < 0.1


@pytest.mark.parametrize("chain", [CHAIN, WEB], ids=["apisr", "web_style"])
def test_severity_raises_the_error(chain):
    pictures, errors = crops(3), []
    for severity in (0.0, 0.3, 0.6, 1.0):
        one = []
        for seed in range(16):
            image = pictures[seed % 3]
            one.append(
                mean_square_error(chain.apply(image, chain.draw(generator(seed), SCENE, severity), SCENE), image)
            )
        errors.append(np.mean(one))
    assert np.all(np.diff(errors) > 0)


# Web style


def test_web_style_occurs_as_specified(web):
    scales = np.array([p.scale for p in web])
    assert 0.5 <= scales.min() <= scales.max() <= 0.9
    assert scales.mean() == pytest.approx(0.7, abs=0.01)
    assert np.mean([p.blur is not None for p in web]) == pytest.approx(0.6, abs=0.02)
    sigmas = np.array([p.blur.sigma for p in web if p.blur])
    assert (sigmas.mean(), sigmas.std()) == pytest.approx((0.65, 1.1 / math.sqrt(12)), abs=0.03)
    assert {p.blur.size for p in web if p.blur} == {3, 5}
    assert np.mean([p.noise is not None for p in web]) == pytest.approx(0.5, abs=0.02)
    assert np.mean([p.noise.sigma for p in web if p.noise]) == pytest.approx(5.5, abs=0.2)
    qualities = np.array([p.quality for p in web])
    assert 40 <= qualities.min() <= qualities.max() <= 95
    assert np.mean(qualities < 60) == pytest.approx(0.2, abs=0.02)


def test_web_style_shrinks_small_pictures_less():
    scales = [WEB.draw(generator(seed), Scene(511, 2000), 0.8).scale for seed in range(300)]
    assert 0.8 <= min(scales) <= max(scales) <= 1.0


def test_web_style_keeps_the_picture_in_place():
    image = smooth_crop(187, 181)
    for seed in range(6):
        assert shift(WEB.apply(image, WEB.draw(generator(seed), SCENE, 0.5), SCENE), image) < 0.1


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("size", [(717, 600), (1, 1), (600, 29), (40, 601), (719, 2)])
def test_shrinking_by_area_keeps_the_mean_and_agrees_with_opencv(dtype, size):
    image = np.random.default_rng(1).integers(0, 256, (719, 601, 3)).astype(dtype)
    out = shrink_area(image, size)
    assert out.dtype == dtype
    exact = cv2.resize(image.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(out, exact, atol=0.51 if dtype == np.uint8 else 1e-3)
    assert out.mean() == pytest.approx(image.mean(), abs=0.3)
