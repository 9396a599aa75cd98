"""Noise: sampling, physics of the sensor, mixture, severity."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest

from degradations.cues.masks import segment
from degradations.noise import Noise, NoiseParams
from degradations.noise.additive import (
    add_normal,
    add_poisson,
    colour_matrix,
    poisson_codes,
    real_esrgan_photons,
)
from degradations.noise.bsrgan import BsrganNoise
from degradations.noise.camera import TONES, camera_matrix, demosaic, develop, mosaic
from degradations.noise.film_grain import FilmGrain
from degradations.noise.impulse import ImpulseNoise
from degradations.noise.raw_isp import RawIsp
from degradations.noise.real_esrgan import RealEsrganNoise
from degradations.noise.sensor import SATURATION, Sensor, draw_sensor, expose
from degradations.quantise import to_codes
from degradations.rng import generator
from degradations.sampling import normal_field
from degradations.scene import Scene
from degradations.severity import LOOSE, TIGHT, position
from schemas.recipe.degradations import NoiseModes, NoiseSection
from tests.degradations.pictures import crops, mean_square_error

SCENE = Scene(1024, 1024)
DRAWS = 6000


def draws(count=DRAWS, section=None):
    """Parameters of noise at severities spread evenly over [0, 1]."""
    noise = Noise(section or NoiseSection())
    rng = generator(3, "draws")
    return [noise.draw(rng, SCENE, (i + 0.5) / count).model for i in range(count)]


# Severity


@pytest.mark.parametrize("tightness", [TIGHT, LOOSE])
def test_uniform_severity_gives_uniform_quantiles(tightness):
    rng = generator(0, "position")
    values = np.sort([position(rng, float(s), tightness) for s in rng.random(20000)])
    distance = np.abs(values - (np.arange(20000) + 0.5) / 20000).max()
    assert distance < 1.63 / np.sqrt(20000)  # Kolmogorov-Smirnov at 1%


@pytest.mark.parametrize("tightness", [TIGHT, LOOSE])
def test_quantiles_start_at_zero_and_rise_with_severity(tightness):
    rng = generator(1, "position")
    grid = np.linspace(0.0, 1.0, 11)
    means = [np.mean([position(rng, float(s), tightness) for _ in range(2000)]) for s in grid]
    assert means[0] == 0.0
    assert np.all(np.diff(means) > 0)


# Sampling


def test_gaussian_noise_has_a_flat_spectrum_and_no_repeat():
    field = normal_field(17, 0, (512, 512))
    power = np.abs(np.fft.fft2(field)) ** 2 / field.size
    bands = power.reshape(8, 64, 8, 64).mean(axis=(1, 3))
    assert np.abs(bands - 1.0).max() < 4.5 / 64  # a mean of 4096 exponential values
    correlation = np.fft.ifft2(power).real
    correlation[0, 0] = 0.0
    assert np.abs(correlation).max() < 6.0 / 512


def test_gaussian_noise_is_normal():
    field = normal_field(18, 0, (1000, 1000)).ravel().astype(np.float64)
    assert abs(field.mean()) < 0.004
    assert field.std() == pytest.approx(1.0, abs=0.003)
    assert np.mean(field**3) == pytest.approx(0.0, abs=0.016)
    assert np.mean(field**4) == pytest.approx(3.0, abs=0.04)


def test_streams_and_seeds_are_independent():
    fields = [normal_field(seed, number, (256, 256)).ravel() for seed in (1, 2) for number in (0, 1)]
    correlations = np.corrcoef(fields) - np.eye(4)
    assert np.abs(correlations).max() < 5.0 / 256


@pytest.mark.parametrize("photons", [16.0, 256.0, 5000.0])
@pytest.mark.parametrize("code", [1, 3, 10, 40, 90, 128, 200, 255])
def test_poisson_noise_has_its_mean_and_variance_at_each_grey_level(code, photons):
    pixels = np.full((700, 700, 3), code, dtype=np.float32)
    counts = add_poisson(pixels, to_codes(pixels), photons, 5).astype(np.float64) / 255.0 * photons
    rate = code / 255.0 * photons
    assert counts.mean() == pytest.approx(rate, rel=0.02)
    assert counts.var() == pytest.approx(rate, rel=0.02)


def test_real_esrgan_counts_photons_from_different_values_and_scales_the_residual():
    ramp = np.tile(np.arange(100, dtype=np.float32)[None, :, None], (256, 1, 3))
    codes = poisson_codes(ramp, grey=False)
    assert real_esrgan_photons(codes) == 128.0
    assert real_esrgan_photons(codes[:, :64]) == 64.0
    assert real_esrgan_photons(codes[:, :1]) == 1.0
    one = add_poisson(ramp, codes, 128.0, 9) - ramp
    np.testing.assert_allclose(add_poisson(ramp, codes, 128.0, 9, 2.5) - ramp, 2.5 * one, atol=1e-3)


def test_grey_noise_is_equal_in_all_channels():
    pixels = crops(1)[0].astype(np.float32)
    for noisy in (
        add_normal(pixels, colour_matrix(9.0, True), 1),
        add_poisson(pixels, poisson_codes(pixels, True), 256.0, 1),
    ):
        residual = noisy - pixels
        np.testing.assert_allclose(residual[..., 0], residual[..., 1], atol=1e-3)
        np.testing.assert_allclose(residual[..., 0], residual[..., 2], atol=1e-3)


def test_correlated_noise_has_its_covariance():
    root = np.array([[3.0, 1.0, 0.0], [0.0, 2.0, -1.0], [1.0, 0.5, 4.0]], dtype=np.float32)
    noise = add_normal(np.zeros((600, 600, 3), np.float32), root, 4).reshape(-1, 3)
    np.testing.assert_allclose(np.cov(noise.T), root @ root.T, atol=0.2)


def test_speckle_grows_with_the_value():
    for code in (50, 200):
        pixels = np.full((512, 512, 3), code, np.float32)
        noisy = add_normal(pixels, colour_matrix(10.0, False), 6, multiplicative=True)
        assert noisy.std() == pytest.approx(10.0 * code / 255.0, rel=0.01)


# Sensor


@pytest.mark.parametrize("level", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("gain, tail", [(1.0, 0.0), (6.0, 0.1), (30.0, 0.0), (30.0, 0.014)])
def test_raw_noise_has_its_mean_and_variance(level, gain, tail):
    sensor = Sensor(gain=gain, read=20.0, tail=tail, row=0.0)
    digital = expose(np.full((1000, 1000), level, np.float32), 0.25, sensor, 8).astype(np.float64)
    mean = level * 0.25 * SATURATION
    assert digital.mean() == pytest.approx(mean, rel=0.02)
    assert digital.var() == pytest.approx(gain * mean + sensor.read_variance() + 1.0 / 12.0, rel=0.02)


def test_row_noise_is_shared_along_rows():
    sensor = Sensor(gain=1.0, read=1.0, tail=0.0, row=30.0)
    digital = expose(np.full((4000, 200), 0.02, np.float32), 1.0, sensor, 8)
    assert digital.mean(axis=1).std() == pytest.approx(30.0, rel=0.05)
    assert digital.mean(axis=0).std() < 3.0


def test_the_sensor_saturates_and_keeps_values_below_black():
    sensor = Sensor(gain=10.0, read=50.0, tail=0.0, row=0.0)
    assert expose(np.full((99, 99), 1.0, np.float32), 1.0, sensor, 1).max() == SATURATION
    assert expose(np.zeros((99, 99), np.float32), 1.0, sensor, 1).min() < -100.0


def test_sensor_parameters_follow_the_gain():
    rng = generator(5)
    sensors = [draw_sensor(rng, 10.0) for _ in range(3000)]
    gaussian = np.log([s.read for s in sensors if s.tail == 0.0])
    tukey = np.log([s.read for s in sensors if s.tail > 0.0])
    assert len(gaussian) / 3000 == pytest.approx(0.5, abs=0.03)
    assert gaussian.mean() == pytest.approx(0.677 * np.log(10) + 1.512, abs=0.03)
    assert gaussian.std() == pytest.approx(0.246, abs=0.02)
    assert tukey.mean() == pytest.approx(0.656 * np.log(10) + 1.093, abs=0.03)
    rows = np.log([s.row for s in sensors])
    assert rows.mean() == pytest.approx(0.471 * np.log(10) - 0.808, abs=0.03)


# Camera


@pytest.mark.parametrize("tone", TONES)
def test_a_camera_without_noise_returns_every_code(tone):
    codes = np.arange(256, dtype=np.uint8)
    image = np.stack([codes, codes[::-1], np.roll(codes, 100)], axis=-1)[None]
    quiet = np.zeros(image.shape, np.float32)
    np.testing.assert_array_equal(develop(image, quiet, np.eye(3), TONES[tone]), image)


def test_camera_matrices_keep_white():
    matrix = camera_matrix((0.1, 0.2, 0.3, 0.4))
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0)
    np.testing.assert_allclose(np.linalg.inv(matrix).sum(axis=1), 1.0)


def test_mosaic_keeps_highlights_and_its_gain_is_undone():
    gains = np.array([0.4, 0.8, 0.5], np.float32)
    white = np.full((4, 4, 3), 255, np.uint8)
    raw, undo = mosaic(white, TONES["plain"][0], np.eye(3), gains)
    np.testing.assert_allclose(raw, 1.0, atol=1e-5)
    grey = np.full((4, 4, 3), 128, np.uint8)
    raw, undo = mosaic(grey, TONES["plain"][0], np.eye(3), gains)
    np.testing.assert_allclose(raw[:2, :2] / raw[0, 1], [[0.5, 1.0], [1.0, 0.625]], rtol=1e-5)
    np.testing.assert_allclose(raw * undo, TONES["plain"][0][128], rtol=1e-5)


@pytest.mark.parametrize("shape", [(6, 8), (5, 7), (1, 4), (3, 1)])
def test_demosaicing_keeps_each_site_and_planes_of_colour(shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    site = (y & 1) + (x & 1)
    out = demosaic(np.array([0.2, 0.5, 0.9], np.float32)[site])
    measured = np.take_along_axis(out, site[..., None], axis=2)[..., 0]
    np.testing.assert_allclose(measured, np.array([0.2, 0.5, 0.9])[site], rtol=1e-6)
    if min(shape) > 1:
        np.testing.assert_allclose(out, np.broadcast_to([0.2, 0.5, 0.9], out.shape), rtol=1e-6)


def test_raw_noise_is_coloured_and_blotched():
    params = draws(400, NoiseSection(modes=NoiseModes(real_esrgan=0, bsrgan=0, film_grain=0, impulse=0)))[-1]
    image = np.full((256, 256, 3), 110, np.uint8)
    residual = params.model_copy(update={"jpeg": None, "denoise": None}).apply(image).astype(float) - image
    residual -= residual.mean(axis=(0, 1))
    neighbours = np.mean(residual[:, :-1] * residual[:, 1:], axis=(0, 1)) / np.mean(residual**2, axis=(0, 1))
    assert np.all(neighbours[[0, 2]] > 0.3)  # red and blue have every second site, in rows and in columns
    assert neighbours[1] > 0.1
    spread = np.abs(residual[..., 0] - residual[..., 2]).mean()
    assert spread > residual.std()


# Film grain and impulses


def test_film_grain_peaks_in_the_middle_tones():
    grain = FilmGrain(sigma=30.0, radius=1.2, chroma=0.3, seed=5)
    for code in (40, 128, 215):
        u = code / 255.0
        out = grain.apply(np.full((512, 512, 3), code, np.uint8)).astype(np.float64)
        assert out.std() == pytest.approx(30.0 * np.sqrt(u * (1 - u)), rel=0.04)
        assert out.mean() == pytest.approx(code, abs=0.3)
    assert np.all(grain.apply(np.zeros((9, 9, 3), np.uint8)) == 0)


def test_salt_and_pepper_strikes_its_share():
    image = np.full((600, 600, 3), 128, np.uint8)
    grey = ImpulseNoise(kind="salt_and_pepper", strength=0.03, colour=False, vertical=False, seed=2).apply(image)
    struck = grey != 128
    assert struck.mean() == pytest.approx(0.03, rel=0.05)
    assert np.array_equal(struck[..., 0], struck[..., 2])
    assert (grey == 255).mean() == pytest.approx(0.015, rel=0.1)
    coloured = ImpulseNoise(kind="salt_and_pepper", strength=0.03, colour=True, vertical=False, seed=2).apply(image)
    assert not np.array_equal(coloured[..., 0], coloured[..., 2])


def test_banding_is_constant_along_its_lines():
    image = np.full((64, 48, 3), 128, np.uint8)
    rows = ImpulseNoise(kind="banding", strength=8.0, colour=False, vertical=False, seed=2).apply(image)
    assert np.all(rows == rows[:, :1])
    columns = ImpulseNoise(kind="banding", strength=8.0, colour=True, vertical=True, seed=2).apply(image)
    assert np.all(columns == columns[:1])


# Mixture


def test_modes_occur_with_their_weights():
    counts = Counter(model.mode for model in draws())
    weights = NoiseSection().modes.model_dump()
    for mode, weight in weights.items():
        assert counts[mode] / DRAWS == pytest.approx(weight / sum(weights.values()), abs=0.02)


def test_a_mode_of_weight_zero_is_off():
    section = NoiseSection(modes=NoiseModes(raw_isp=0, bsrgan=0, film_grain=0, segment_aware=0, impulse=0))
    assert {model.mode for model in draws(200, section)} == {"real_esrgan"}


def test_parameters_follow_the_specification():
    models = draws()
    raw = [m for m in models if isinstance(m, RawIsp)]
    assert np.mean([m.ev for m in raw]) == pytest.approx(-1.5, abs=0.06)
    assert min(m.ev for m in raw) >= -3.0
    assert max(m.ev for m in raw) <= 0.0
    logs = np.log([m.sensor.gain for m in raw])
    assert logs.mean() == pytest.approx(np.log(30.0) / 2, abs=0.08)
    assert logs.std() == pytest.approx(np.log(30.0) / np.sqrt(12), rel=0.05)
    assert all(1.9 <= m.white_balance[0] <= 2.4 and 1.5 <= m.white_balance[1] <= 1.9 for m in raw)
    esrgan = [m.noise for m in models if isinstance(m, RealEsrganNoise)]
    gaussian = [n.strength for n in esrgan if n.kind == "gaussian"]
    assert len(gaussian) / len(esrgan) == pytest.approx(0.5, abs=0.04)
    assert np.mean([n.grey for n in esrgan]) == pytest.approx(0.4, abs=0.04)
    assert np.mean(gaussian) == pytest.approx(15.5, abs=1.2)
    assert 1.0 <= min(gaussian) <= max(gaussian) <= 30.0
    bsrgan = [m for m in models if isinstance(m, BsrganNoise)]
    additive = [m for m in bsrgan if m.kind != "poisson"]
    colours = Counter(m.colour for m in additive)
    assert {c: n / len(additive) for c, n in colours.items()} == pytest.approx(
        {"colour": 0.4, "grey": 0.4, "covariance": 0.2}, abs=0.08
    )
    assert {m.sigma for m in additive} == set(range(2, 26))
    assert all(100.0 <= m.photons <= 10_000.0 for m in bsrgan if m.kind == "poisson")
    grain = [m for m in models if isinstance(m, FilmGrain)]
    assert all(6 <= m.sigma <= 40 and 0.6 <= m.radius <= 2.0 and 0.1 <= m.chroma <= 0.5 for m in grain)


@pytest.mark.parametrize("mode", NoiseModes.model_fields)
def test_severity_raises_the_error(mode):
    weights = {name: float(name == mode) for name in NoiseModes.model_fields}
    noise = Noise(NoiseSection(modes=NoiseModes(**weights)))
    pictures = crops(3)
    scenes = [Scene(*image.shape[:2], masks=segment(image)) for image in pictures]
    errors = []
    for severity in (0.0, 0.25, 0.5, 0.75, 1.0):
        one = []
        for seed in range(24):
            params = noise.draw(generator(seed, mode), SCENE, severity)
            image = pictures[seed % 3]
            one.append(mean_square_error(noise.apply(image, params, scenes[seed % 3]), image))
        errors.append(np.mean(one))
    assert np.all(np.diff(errors) > 0)
    assert np.sqrt(errors[-1]) > 6.0


def test_weak_noise_keeps_brightness():
    image = cv2.GaussianBlur(crops(1)[0], (0, 0), 3)
    scene = Scene(*image.shape[:2], masks=segment(image))
    for model in draws(60):
        bias = (
            Noise(NoiseSection()).apply(image, NoiseParams(model=model), scene).astype(np.float64).mean() - image.mean()
        )
        assert abs(bias) < 4.0
