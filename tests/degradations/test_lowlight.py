"""Low light: fields, the dim sensor and its development, curves, the learned mode, severity."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.numpy import load_file, save_file
from skimage.metrics import structural_similarity

from degradations.blur.highlights import lift_table
from degradations.light import decode
from degradations.lowlight import Lowlight, LowlightParams
from degradations.lowlight.curve import GammaDark
from degradations.lowlight.illumination import FIELDS, STEP, Fractal, Lamp, Lamps, Vignette, illumination
from degradations.lowlight.lamp_light import LUMINANCE, lamp_colour, planckian
from degradations.lowlight.learned import LearnedDark
from degradations.lowlight.network import layers
from degradations.lowlight.processor import Denoise, develop, smoothed
from degradations.lowlight.raw import FEWEST, RawDark, draw_shot_read
from degradations.lowlight.sensing import Light, mirror, sense
from degradations.noise.camera import TONES, camera_matrix, demosaic
from degradations.noise.sensor import SATURATION, Sensor
from degradations.rng import generator
from degradations.scene import Scene
from degradations.weights import WeightsError, sha256_of
from schemas.recipe.degradations import LowlightFields, LowlightModes, LowlightSection, LowlightSensors
from tests.degradations.pictures import crops

SCENE = Scene(512, 512)
GREY = np.ones(3, np.float32)
QUIET = Sensor(gain=1e-3, read=0.0, tail=0.0, row=0.0)


def section(mode, **fields):
    return LowlightSection(modes=LowlightModes(**{m: float(m == mode) for m in LowlightModes.model_fields}), **fields)


def even(height, width, level=1.0):
    """Even light of `level` on a picture, decoded by the curve of sRGB."""
    rows, columns = (height - 1) // STEP + 2, (width - 1) // STEP + 2
    return Light(TONES["plain"][0], lift_table(1.0), np.full((rows, columns, 3), level, np.float32))


def grey(code, height=256, width=256):
    return np.full((height, width, 3), code, np.uint8)


def raw_params(severity=0.5, seed=0, **changes):
    params = RawDark.draw(generator(seed, "raw"), severity, "lamps", "eld")
    return params.model_copy(update=changes)


def draws(count, **fields):
    rng, lowlight = generator(4, "draws"), Lowlight(LowlightSection(**fields))
    return [lowlight.draw(rng, SCENE, (i + 0.5) / count).model for i in range(count)]


# Light


def test_the_planckian_locus_passes_through_known_colours():
    assert planckian(2856.0) == pytest.approx((0.4476, 0.4074), abs=1e-3)  # CIE illuminant A
    assert planckian(6500.0) == pytest.approx((0.3135, 0.3237), abs=1e-3)
    with pytest.raises(ValueError, match="1667 to 25000"):
        planckian(1000.0)


def test_lamps_have_luminance_one_and_grow_warmer_as_they_cool():
    colours = [lamp_colour(kelvin) for kelvin in (2200.0, 3000.0, 4500.0, 6500.0)]
    assert [LUMINANCE @ colour for colour in colours] == pytest.approx([1.0] * 4)
    ratios = [colour[0] / colour[2] for colour in colours]
    assert np.all(np.diff(ratios) < 0) and ratios[-1] == pytest.approx(1.0)
    assert min(colour.min() for colour in colours) > 0


def test_a_lamp_falls_off_by_the_square_of_the_distance_over_its_radius():
    lamp = Lamp(place=(0.0, 0.0), radius=0.1, power=2.0, kelvin=6500.0)
    light = Lamps(ambient=0.25, lamps=(lamp,), adaptation=0.0).light(480, 640)
    radius = 0.1 * 800
    for row, column in ((0, 0), (0, 10), (30, 0), (12, 20)):
        distance = STEP * np.hypot(row, column)
        assert light[row, column] == pytest.approx(np.full(3, 0.25 + 2.0 / (1.0 + (distance / radius) ** 2)))


def test_twice_the_lamps_give_the_sum_of_their_light():
    first, second = (
        Lamp(place=(0.2, x), radius=0.2, power=1.0, kelvin=kelvin) for x, kelvin in ((0.1, 2500.0), (0.8, 5000.0))
    )
    both, one, other = (
        Lamps(ambient=1e-9, lamps=lamps, adaptation=0.0).light(100, 300)
        for lamps in ((first, second), (first,), (second,))
    )
    np.testing.assert_allclose(both, one + other, rtol=1e-6)


def test_white_balance_takes_the_drawn_share_of_the_lamps_colour():
    lamp = Lamp(place=(0.5, 0.5), radius=0.3, power=1.0, kelvin=2500.0)
    for share in (0.0, 0.5, 1.0):
        mean = Lamps(ambient=0.1, lamps=(lamp,), adaptation=share).light(320, 320).mean(axis=(0, 1))
        none = Lamps(ambient=0.1, lamps=(lamp,), adaptation=0.0).light(320, 320).mean(axis=(0, 1))
        assert np.log(mean[0] / mean[2]) == pytest.approx((1 - share) * np.log(none[0] / none[2]))


def test_a_vignette_reaches_its_corner_value():
    light = Vignette(centre=(0.5, 0.5), corner=0.2).light(321, 641)[:, :, 0]
    assert light.max() == pytest.approx(1.0, abs=0.01)
    assert light[0, 0] == pytest.approx(0.2, abs=0.01)


def test_fields_have_mean_luminance_one_and_contrast_moves_them_from_even():
    for kind, cls in FIELDS.items():
        field = cls.draw(generator(3, kind))
        spreads = []
        for contrast in (0.0, 0.3, 1.0):
            light = illumination(field, contrast, 300, 500)
            assert light.shape == (20, 33, 3) and light.min() > 0
            assert (light @ LUMINANCE).mean() == pytest.approx(1.0, abs=1e-5)
            spreads.append((light @ LUMINANCE).std())
        assert spreads[0] == pytest.approx(0.0, abs=1e-6)
        assert spreads[0] < spreads[1] < spreads[2] or isinstance(field, Lamps)


def test_a_fractal_field_is_its_seeds():
    one, same, other = (Fractal(exponent=2.0, deviation=0.5, seed=seed).light(99, 50) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.1


# Sensor


@pytest.mark.parametrize("code", [40, 128, 220])
@pytest.mark.parametrize(("gain", "tail"), [(0.5, 0.0), (6.0, 0.1), (30.0, 0.0)])
def test_what_the_sensor_adds_has_mean_zero_and_the_variance_of_its_light(code, gain, tail):
    sensor, exposure = Sensor(gain=gain, read=4.0, tail=tail, row=0.0), 0.125
    added = sense(grey(code, 700, 700), even(700, 700), np.eye(3), GREY, exposure, sensor, (0.0, 0.0, 0.0), 3)
    digital = added[1:-1, 1:-1].astype(np.float64) * SATURATION
    mean = float(decode(grey(code, 1, 1))[0, 0, 0]) * exposure * SATURATION
    variance = gain * mean + sensor.read_variance() + 1.0 / 12.0
    assert digital.mean() == pytest.approx(0.0, abs=5.0 * np.sqrt(variance) / 700)
    assert digital.var() == pytest.approx(variance, rel=0.02)


@pytest.mark.parametrize("shot", [1e-4, 1e-3, 0.012])
def test_shot_and_read_noise_have_their_variance(shot):
    sensor = draw_shot_read(generator(1), shot)
    for code in (60, 150):
        added = sense(grey(code, 600, 600), even(600, 600), np.eye(3), GREY, 0.5, sensor, (0.0, 0.0, 0.0), 5)
        x = 0.5 * float(decode(grey(code, 1, 1))[0, 0, 0])
        expected = shot * x + (sensor.read / SATURATION) ** 2
        assert added.astype(np.float64).var() == pytest.approx(expected, rel=0.02)


def test_shot_and_read_noise_are_log_linear():
    logs = np.array([2.0 * np.log(draw_shot_read(generator(i), 1e-3).read / SATURATION) for i in range(2000)])
    assert logs.mean() == pytest.approx(2.18 * np.log(1e-3) + 1.20, abs=0.03)
    assert logs.std() == pytest.approx(0.26, rel=0.05)


def test_shot_noise_grows_with_the_light_of_the_field():
    sensor = Sensor(gain=5.0, read=0.0, tail=0.0, row=0.0)
    variances = [
        sense(grey(120, 500, 500), even(500, 500, level), np.eye(3), GREY, 0.2, sensor, (0.0, 0.0, 0.0), 5)
        .astype(np.float64)
        .var()
        for level in (0.5, 1.0, 2.0)
    ]
    assert variances[1] / variances[0] == pytest.approx(2.0, rel=0.02)
    assert variances[2] / variances[1] == pytest.approx(2.0, rel=0.02)


def test_black_levels_tint_their_channel():
    added = sense(grey(0, 64, 64), even(64, 64), np.eye(3), GREY, 1.0, QUIET, (4.0, 0.0, -3.0), 1) * SATURATION
    inside = added[1:-1, 1:-1]
    np.testing.assert_allclose(inside[::2, ::2], 4.0, rtol=1e-5)
    np.testing.assert_allclose(inside[::2, 1::2], 0.0, atol=1e-5)
    np.testing.assert_allclose(inside[1::2, 1::2], -3.0, rtol=1e-5)


def test_light_beyond_saturation_is_cut():
    added = sense(grey(255, 32, 32), even(32, 32, 4.0), np.eye(3), GREY, 1.0, QUIET, (0.0, 0.0, 0.0), 1)
    np.testing.assert_allclose(added, -3.0, rtol=1e-4)


def test_the_rim_of_a_mosaic_mirrors_it():
    for shape in ((4, 6), (5, 3), (2, 2)):
        inner = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        padded = np.zeros((shape[0] + 2, shape[1] + 2), np.float32)
        padded[1:-1, 1:-1] = inner
        mirror(padded)
        np.testing.assert_array_equal(padded, cv2.copyMakeBorder(inner, 1, 1, 1, 1, cv2.BORDER_REFLECT_101))


# Development


@pytest.mark.parametrize("tone", TONES)
def test_without_noise_and_at_full_light_every_code_returns(tone):
    codes = np.arange(256, dtype=np.uint8)
    image = np.stack([codes, codes[::-1], np.roll(codes, 100)], axis=-1)[None].repeat(3, axis=0)
    light = even(*image.shape[:2])._replace(decode=TONES[tone][0])
    quiet = np.zeros((image.shape[0] + 2, image.shape[1] + 2), np.float32)
    matrix = camera_matrix((0.4, 0.3, 0.2, 0.1))
    returned = np.linalg.inv(matrix) @ matrix
    np.testing.assert_array_equal(develop(image, light, quiet, None, returned, returned, TONES[tone][1]), image)


def test_half_the_light_is_half_the_light():
    image, quiet = crops(1)[0], np.zeros((194, 194), np.float32)
    out = [
        decode(develop(image, even(192, 192, level), quiet, None, np.eye(3), np.eye(3), TONES["plain"][1]))
        for level in (1.0, 0.5)
    ]
    np.testing.assert_allclose(out[1], 0.5 * out[0], rtol=0.03, atol=0.002)


def test_the_field_is_interpolated_between_its_nodes():
    image, quiet = grey(255, 33, 49), np.zeros((35, 51), np.float32)
    light = even(33, 49)
    rows, columns = (axis * STEP for axis in np.mgrid[: light.field.shape[0], : light.field.shape[1]])
    light.field[:] = (0.001 * rows + 0.002 * columns)[:, :, None] * np.array([1.0, 2.0, 3.0])
    out = decode(develop(image, light, quiet, None, np.eye(3), np.eye(3), TONES["plain"][1]))
    y, x = np.mgrid[:33, :49]
    np.testing.assert_allclose(out, (0.001 * y + 0.002 * x)[:, :, None] * np.array([1.0, 2.0, 3.0]), atol=0.004)


@pytest.mark.parametrize("shape", [(8, 10), (7, 5), (1, 4), (3, 1), (1, 1)])
def test_noise_is_demosaiced_as_a_camera_does(shape):
    rng = np.random.default_rng(0)
    mosaic = rng.uniform(0.0, 1.0, shape).astype(np.float32)
    padded = np.zeros((shape[0] + 2, shape[1] + 2), np.float32)
    padded[1:-1, 1:-1] = mosaic
    mirror(padded)
    light, encode = even(*shape), np.floor((np.arange(4097) / 4096.0) ** 2 * 255.0 + 0.5).astype(np.uint8)
    out = develop(grey(0, *shape), light, padded, None, np.eye(3), np.eye(3), encode)
    if min(shape) > 1:
        np.testing.assert_allclose(out, demosaic(mosaic) * 255.0, atol=0.6)
    assert out.shape == (*shape, 3)


def test_denoising_keeps_the_mean_and_smooths_chroma_more_than_luma():
    rng = np.random.default_rng(0)
    padded = np.zeros((258, 258), np.float32)
    padded[1:-1, 1:-1] = rng.normal(0.5, 0.1, (256, 256))
    mirror(padded)
    planes = smoothed(padded, Denoise(luma=0.8, chroma=5.0, share=0.5))
    assert planes.shape == (3, 129, 129)
    assert planes.mean() == pytest.approx(0.25, abs=0.002)
    luma = np.tensordot([0.25, 0.5, 0.25], planes, axes=1)
    assert luma.std() > 3 * (planes - luma).std()
    encode = np.floor((np.arange(4097) / 4096.0) ** 2 * 255.0 + 0.5).astype(np.uint8)
    noisy, soft = (
        develop(grey(0), even(256, 256), padded, denoise, np.eye(3), np.eye(3), encode).astype(float)
        for denoise in (None, Denoise(luma=2.0, chroma=5.0, share=0.9))
    )
    assert soft.mean() == pytest.approx(noisy.mean(), abs=0.5)
    assert soft.std() < 0.4 * noisy.std()


def test_smoothed_noise_lies_where_it_was():
    padded = np.zeros((66, 66), np.float32)
    padded[1:-1, 1:-1] = (np.arange(64) / 64.0)[:, None] + (np.arange(64) / 128.0)[None, :]
    padded[0], padded[-1], padded[:, 0], padded[:, -1] = padded[1], padded[-2], padded[:, 1], padded[:, -2]
    encode = np.floor((np.arange(4097) / 4096.0) ** 2 * 255.0 + 0.5).astype(np.uint8)
    out = [
        develop(grey(0, 64, 64), even(64, 64), padded * 0.6, denoise, np.eye(3), np.eye(3), encode)
        for denoise in (None, Denoise(luma=1.0, chroma=2.0, share=1.0))
    ]
    first, second = (picture[8:-8, 8:-8].mean(axis=2) for picture in out)
    np.testing.assert_allclose(first, second, atol=0.7)


def test_nothing_is_brighter_than_the_photograph():
    for seed in range(12):
        params = raw_params(seed / 11, seed, white_balance_error=(1.0, 1.0), black_level=(0.0, 0.0, 0.0), jpeg=None)
        params = params.model_copy(update={"sensor": QUIET, "highlight_gain": 1.0, "denoise": None})
        image = crops(2)[seed % 2]
        assert (params.apply(image).astype(int) - image).max() <= 2


def test_lamps_of_the_photograph_stay_bright():
    image = grey(60)
    image[100:120, 100:120] = 255
    dim, lamp = (raw_params(0.5, 1, jpeg=None, highlight_gain=gain).apply(image) for gain in (1.0, 12.0))
    assert lamp[110, 110].mean() > 1.4 * dim[110, 110].mean()
    np.testing.assert_array_equal(lamp[20:40, 20:40], dim[20:40, 20:40])


# Curve


def test_a_curve_is_its_table():
    params = GammaDark(brightness=0.6, gamma=2.0)
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    expected = np.floor(0.6 * (codes / 255.0) ** 2.0 * 255.0 + 0.5)
    np.testing.assert_array_equal(params.apply(codes), expected)
    np.testing.assert_array_equal(GammaDark(brightness=1.0, gamma=1.0).apply(codes), codes)


# Mixture


def test_modes_fields_and_sensors_occur_with_their_weights():
    models = draws(4000)
    counts = Counter(model.mode for model in models)
    assert counts["raw"] / 4000 == pytest.approx(0.75, abs=0.02) and counts["learned"] == 0
    raw = [model for model in models if isinstance(model, RawDark)]
    kinds = Counter(model.field.kind for model in raw)
    for kind, weight in LowlightFields().model_dump().items():
        assert kinds[kind] / len(raw) == pytest.approx(weight, abs=0.03)
    amplified_before = np.mean([model.gain == 1.0 for model in raw])
    assert amplified_before == pytest.approx(LowlightSensors().shot_read, abs=0.03)
    numbers = Counter(len(model.field.lamps) for model in raw if isinstance(model.field, Lamps))
    assert set(numbers) == {0, 1, 2, 3, 4}


def test_parameters_follow_the_specification():
    eld = draws(3000, modes=LowlightModes(gamma=0), sensors=LowlightSensors(shot_read=0))
    stops = -np.log2([model.exposure for model in eld])
    assert stops.min() >= 1.5 and stops.max() <= 6.0
    assert stops.mean() == pytest.approx(3.75, abs=0.1)
    assert stops.std() == pytest.approx(4.5 / np.sqrt(12), rel=0.05)
    given_back = np.log2([model.gain for model in eld]) / stops
    assert given_back.min() >= 0.2 - 1e-9 and given_back.max() <= 0.7 + 1e-9
    assert given_back.mean() == pytest.approx(0.45, abs=0.02)
    gains = np.array([model.sensor.gain for model in eld])
    assert gains.min() >= 0.1 and gains.max() <= 30.0
    assert (SATURATION * 2.0**-stops / gains).min() >= FEWEST * (1 - 1e-9)
    assert all(len(m.cameras) == 4 and 1.9 <= m.white_balance[0] <= 2.4 for m in eld)
    assert all(0.9 <= error <= 1.1 for m in eld for error in m.white_balance_error)
    assert np.mean([m.denoise is not None for m in eld]) == pytest.approx(0.5, abs=0.03)
    lamps = [lamp for m in eld if isinstance(m.field, Lamps) for lamp in m.field.lamps]
    assert all(2200 <= lamp.kelvin <= 6500 for lamp in lamps)
    assert np.mean([lamp.kelvin for lamp in lamps]) == pytest.approx(4350, abs=100)


@pytest.mark.parametrize("mode", ["raw", "gamma"])
def test_severity_darkens_and_moves_the_picture_away(mode):
    lowlight, pictures = Lowlight(section(mode)), crops(3)
    light, distances = [], []
    for severity in (0.0, 0.25, 0.5, 0.75, 1.0):
        pairs = [
            (clean, lowlight.apply(clean, lowlight.draw(generator(seed, mode), SCENE, severity), SCENE))
            for seed, clean in enumerate(pictures * 8)
        ]
        light.append(np.mean([dark.mean() / clean.mean() for clean, dark in pairs]))
        luma = [[cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pair] for pair in pairs]
        distances.append(np.mean([1 - structural_similarity(*pair) for pair in luma]))
    assert np.all(np.diff(light) < 0) and np.all(np.diff(distances) > 0)
    assert light[0] > 0.75 and 0.02 < light[-1] < 0.4
    assert distances[0] < 0.075 and 0.3 < distances[2] < 0.65 and distances[-1] < 0.95


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    severity=st.floats(0.0, 1.0),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    fill=st.sampled_from([None, 0, 128, 255]),
)
def test_any_size_and_content(seed, severity, size, fill):
    lowlight = Lowlight(section("raw"))
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (*size, 3)).astype(np.uint8) if fill is None else grey(fill, *size)
    scene = Scene(*size)
    params = lowlight.draw(generator(seed), scene, severity)
    read_back = LowlightParams.model_validate(json.loads(params.model_dump_json()))
    out = lowlight.apply(image, params, scene)
    assert out.shape == image.shape and out.dtype == np.uint8
    np.testing.assert_array_equal(lowlight.apply(image, read_back, scene), out)


# Learned


@pytest.fixture
def network(tmp_path):
    """A small network of random weights."""
    rng = np.random.default_rng(0)
    path = tmp_path / "network.safetensors"
    shapes = layers((4, 6, 8))
    save_file({name: rng.normal(0, 0.15, shape).astype(np.float32) for name, shape in shapes.items()}, path)
    return path


def learned(path, stops):
    return LearnedDark(stops=stops, network=str(path), sha256=sha256_of("field", str(path)))


def test_a_network_darkens_with_its_stops_and_leaves_the_picture_at_none(network):
    image = crops(1)[0]
    np.testing.assert_array_equal(learned(network, 0.0).apply(image), image)
    light = [learned(network, stops).apply(image).mean() for stops in (0.5, 1.5, 3.0, 5.0)]
    assert np.all(np.diff(light) < 0)


def test_severity_moves_the_stops(network):
    lowlight = Lowlight(section("learned", network=str(network)))
    stops = [
        np.mean([lowlight.draw(generator(seed), SCENE, severity).model.stops for seed in range(50)])
        for severity in (0.0, 0.5, 1.0)
    ]
    assert stops[0] == pytest.approx(0.3) and stops[0] < stops[1] < stops[2] <= 5.0


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 3), (45, 31), (30, 700)])
def test_a_network_takes_any_size(network, size):
    image = np.random.default_rng(1).integers(0, 256, (*size, 3)).astype(np.uint8)
    assert learned(network, 2.0).apply(image).shape == image.shape


_REPLAY = """
import hashlib, sys, numpy as np, torch
from degradations.lowlight import LowlightParams, Lowlight
from degradations.scene import Scene
from schemas.recipe.degradations import LowlightSection
torch.set_num_threads(int(sys.argv[2]))
image = np.random.default_rng(1).integers(0, 256, (90, 130, 3)).astype(np.uint8)
params = LowlightParams.model_validate_json(sys.argv[1])
print(hashlib.sha256(Lowlight(LowlightSection()).apply(image, params, Scene(90, 130)).tobytes()).hexdigest())
"""


def test_a_network_gives_the_same_bytes_on_other_threads_of_another_process(network):
    params = LowlightParams(model=learned(network, 2.5)).model_dump_json()
    digests = {
        subprocess.run(
            [sys.executable, "-c", _REPLAY, params, threads],
            cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, check=True,
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1


def test_a_network_that_is_missing_changed_or_strange_is_refused(network, tmp_path):
    with pytest.raises(WeightsError, match=r"degradations\.lowlight\.network: .*nowhere.* name a safetensors file"):
        LearnedDark.draw(generator(0), 0.5, str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match="not the file of the trace"):
        learned(network, 1.0).model_copy(update={"sha256": "0" * 64}).apply(grey(9, 8, 8))
    text = tmp_path / "text.safetensors"
    text.write_text("no tensors")
    with pytest.raises(WeightsError, match="no safetensors file"):
        learned(text, 1.0).apply(grey(9, 8, 8))
    tensors = load_file(network)
    del tensors["head.bias"]
    partly = tmp_path / "partly.safetensors"
    save_file(tensors, partly)
    with pytest.raises(WeightsError, match=r"no or other tensors head\.bias"):
        learned(partly, 1.0).apply(grey(9, 8, 8))


def test_the_learned_mode_needs_a_network_in_the_recipe():
    with pytest.raises(ValidationError, match="needs `network`"):
        section("learned")
