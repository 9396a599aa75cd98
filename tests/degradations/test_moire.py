"""Moiré: the closed form is the sampled screen, fringes change light by a factor, nothing shifts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from degradations.light import decode
from degradations.moire import Moire
from degradations.moire.camera import Shot, developed
from degradations.moire.geometry import STEP, View, positions
from degradations.moire.layers import blended, laid, multiplied
from degradations.moire.layouts import SHARES, emission, fourier_series
from degradations.moire.screen import recorded
from degradations.patterns.generate import make_pattern
from degradations.rng import generator
from degradations.scene import Scene
from schemas.recipe.degradations import MoireModes, MoireSection
from tests.degradations.pictures import crops, shift

SAMPLES, SIDE = 24, 64
SHOT = Shot(sigma=0.3, decimation=1.0, sharpening=0.0)


def only(mode: str) -> Moire:
    return Moire(MoireSection(modes=MoireModes(**{name: float(name == mode) for name in MoireModes.model_fields})))


def supersampled(layout: str, grid: np.ndarray, sigma: float) -> np.ndarray:
    """The screen itself at 24 × 24 points a pixel, through the lens's blur, averaged over the pixel's square."""
    axis = (np.arange(SIDE * SAMPLES) + 0.5) / SAMPLES - 0.5
    places = np.stack(np.meshgrid(axis, axis, indexing="xy"), axis=-1).astype(np.float32) / STEP
    u, v = (
        cv2.remap(grid[..., n].astype(np.float32), places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for n in (0, 1)
    )
    light = cv2.GaussianBlur(emission(layout, 0.8, 0.85, u.astype(float), v.astype(float)), (0, 0), sigma * SAMPLES)
    return light.reshape(SIDE, SAMPLES, SIDE, SAMPLES, 3).mean(axis=(1, 3))


@pytest.mark.slow
@pytest.mark.parametrize("layout", list(SHARES))
def test_the_closed_form_is_the_supersampled_screen(layout):
    view = View.draw(generator(4), 1024, 1.0).model_copy(update={"density": 0.53, "roll": 4.0})
    grid = positions(view, 1024, 1024)[: SIDE // STEP + 1, : SIDE // STEP + 1]
    closed = recorded(fourier_series(layout, 0.8, 0.85), grid, SIDE, SIDE, 0.3)[4:-4, 4:-4]
    brute = supersampled(layout, grid, 0.3)[4:-4, 4:-4]
    assert np.corrcoef(closed.ravel(), brute.ravel())[0, 1] >= 0.999
    assert np.abs(closed - brute).max() < 0.1 * brute.std()


@pytest.mark.parametrize(("density", "modulation"), [(0.4, 1.01), (0.5, 0.72), (0.6, 0.47), (0.8, 0.13), (0.9, 0.05)])
def test_modulation_falls_with_the_density_of_the_screen(density, modulation):
    flat = {"tilt_x": 0.0, "tilt_y": 0.0, "roll": 3.0, "distortion": 0.0, "bend": 0.0}
    view = View.draw(generator(1), 512, 1.0).model_copy(update={"density": density, **flat})
    light = recorded(fourier_series("stripe", 0.75, 0.82), positions(view, 512, 512), 512, 512, 0.3)
    assert np.sqrt(2) * light.std() == pytest.approx(modulation, abs=0.12)  # amplitude of a wave
    np.testing.assert_allclose(light.mean(axis=(0, 1)), 1.0, atol=0.01)


def test_a_screen_without_waves_is_developed_unchanged():
    colour = np.array([0.2, 0.5, 0.8], dtype=np.float32)
    light = np.broadcast_to(colour, (16, 16, 3)).copy()
    np.testing.assert_allclose(developed(light, SHOT, 16, 16)[2:-2, 2:-2], light[2:-2, 2:-2], atol=1e-3)


def test_patterns_keep_the_light_and_show_fringes():
    pattern = make_pattern("moire", 3, 1, 256).astype(float) / 128
    np.testing.assert_allclose(pattern.mean(axis=(0, 1)), 1.0, atol=0.02)
    assert 0.02 <= np.sqrt(np.mean((pattern - 1) ** 2)) <= 0.26


def test_twice_the_light_is_twice_the_fringed_light():
    pattern = [make_pattern("moire", 0, 5, 128)]
    dark = np.full((128, 128, 3), 90, np.uint8)
    bright = np.full((128, 128, 3), 124, np.uint8)  # twice the light of 90, to 1%
    ratio = float(decode(bright)[0, 0, 0] / decode(dark)[0, 0, 0])
    first, second = (decode(multiplied(image, pattern, [0.5])) for image in (dark, bright))
    np.testing.assert_allclose(second / first, ratio, rtol=0.03)


def test_an_exponent_of_zero_and_a_flat_pattern_change_nothing():
    image = crops(1)[0]
    pattern = laid(
        make_pattern("moire", 0, 0, 64), only("bank").draw(generator(0), Scene(192, 192), 0.5).layers[0], 192, 192
    )
    np.testing.assert_array_equal(multiplied(image, [pattern], [0.0]), image)
    flat = np.full_like(image, 128)
    np.testing.assert_array_equal(multiplied(image, [flat], [2.0]), image)
    np.testing.assert_array_equal(blended(image, flat, 1.0, 0.7), image)


def test_one_to_three_patterns_as_often_as_said():
    scene = Scene(64, 64)
    counts = [len(only("bank").draw(generator(n), scene, 0.5).layers) for n in range(3000)]
    for count, share in ((1, 0.6), (2, 0.28), (3, 0.12)):
        assert counts.count(count) / 3000 == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("mode", ["bank", "screen", "blend"])
def test_nothing_shifts(mode):
    image, scene = crops(1)[0], Scene(192, 192)
    for seed in range(3):
        out = only(mode).apply(image, only(mode).draw(generator(seed), scene, 0.4), scene)
        assert shift(image, out) < 0.1


@pytest.mark.parametrize("mode", ["bank", "screen", "blend"])
def test_severity_moves_the_damage(mode):
    scene = Scene(192, 192)

    def damage(severity: float) -> float:
        errors = []
        for seed, image in enumerate(crops(4)):
            out = only(mode).apply(image, only(mode).draw(generator(seed), scene, severity), scene)
            errors.append(np.abs(out.astype(float) - image).mean())
        return float(np.mean(errors))

    steps = [damage(severity) for severity in (0.0, 0.3, 0.6, 1.0)]
    assert steps == sorted(steps)
    assert steps[-1] > 1.3 * steps[0]
