"""Haze: Koschmieder's law on metric depth."""

import json
import subprocess
import sys
from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degradations.cues.depth import estimate_depth
from degradations.haze import Haze, HazeParams
from degradations.haze.compose import compose
from degradations.haze.field import thickness_field
from degradations.haze.optics import distance, optical_thickness, place
from degradations.haze.patches import BankPatches, bank_field
from degradations.light import decode
from degradations.patterns.bank import PatternChoice
from degradations.patterns.haze import FAMILIES, make
from degradations.rng import generator
from degradations.scene import DepthCue, Scene
from schemas.recipe.degradations import HazeFields, HazeModes, HazeSection


def even(**changes):
    """Grey, level, patchless haze."""
    values = {
        "family": "fog",
        "thickness": 0.7,
        "near_m": 5.0,
        "far_m": 1000.0,
        "depth_gamma": 1.0,
        "scale_height_m": 1e6,
        "horizon": 0.4,
        "airlight": (0.8, 0.8, 0.8),
        "airlight_gradient": 0.0,
        "variation": 0.0,
        "field_exponent": 1.5,
        "field_stretch": 1.0,
        "field_seed": 1,
        "patches": None,
        "scatter": 0.0,
        "scatter_radius": 0.0,
        "lamps": 0.0,
    }
    return HazeParams(**(values | changes))


def cue(disparity, sky=None):
    disparity = np.asarray(disparity, np.float32)
    return DepthCue(disparity, np.zeros_like(disparity) if sky is None else np.asarray(sky, np.float32), "test", "0")


def test_distance_runs_from_near_to_far():
    metres = distance(np.array([[1.0, 0.5, 0.0]], np.float32), 4.0, 400.0, 1.0)
    np.testing.assert_allclose(metres, [[4.0, 1 / (0.5 * (1 / 4 - 1 / 400) + 1 / 400), 400.0]], rtol=1e-5)


def test_at_the_visibility_two_per_cent_of_the_contrast_is_left():
    away = np.full((4, 4), 300.0, np.float32)
    thickness = optical_thickness(away, np.zeros_like(away), 300.0, 1e7, 0.0)
    np.testing.assert_allclose(np.exp(-thickness), 0.02, rtol=1e-3)


def test_transmission_falls_with_distance_and_thin_air_above_hides_less():
    away = np.tile(np.linspace(5, 900, 50, dtype=np.float32), (20, 1))
    clear = np.zeros_like(away)
    thick = optical_thickness(away, clear, 200.0, 1e6, 0.5)
    assert (np.diff(thick, axis=1) > 0).all()
    assert (optical_thickness(away, clear, 200.0, 50.0, 0.5)[:8, 25:] < 0.9 * thick[:8, 25:]).all()


def test_a_picture_fades_with_distance_and_the_sky_turns_to_airlight():
    image = np.full((64, 64, 3), 20, np.uint8)
    image[:, ::2] = 40
    disparity = np.tile(np.linspace(0, 1, 64, dtype=np.float32)[:, None], (1, 64))
    sky = np.zeros((64, 64))
    sky[:8] = 1.0
    scene = Scene(64, 64, cue(disparity, sky))
    out = Haze(HazeSection()).apply(image, even(thickness=1.2), scene).astype(int)
    contrast = (out[:, ::2] - out[:, 1::2]).mean(axis=(1, 2))
    level = out.mean(axis=(1, 2))
    assert contrast[62] > contrast[40] > contrast[20] >= 0
    assert level[62] < level[40] < level[20]
    assert np.ptp(out[:6]) == 0


def test_composition_is_in_linear_light():
    image = np.full((3, 5, 3), 100, np.uint8)
    half = np.full((1, 1), 0.5, np.float32)
    out = compose(image, 0 * half, half, np.array([0.9, 0.6, 0.3], np.float32), np.ones(3, np.float32), None, 0.0, None)
    expected = 0.5 * decode(image[0, 0]) + 0.5 * np.array([0.9, 0.6, 0.3])
    np.testing.assert_allclose(decode(out[1, 1]), expected, atol=0.004)


def test_clear_air_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    out = Haze(HazeSection()).apply(image, even(thickness=0.0), Scene(40, 50, cue(np.ones((40, 50)))))
    assert np.array_equal(out, image)


@pytest.mark.parametrize("variation", [0.2, 0.6])
def test_patches_multiply_with_mean_one(variation):
    fields = [thickness_field(seed, variation, 1.6, 2.0) for seed in range(8)]
    assert all(field.min() > 0 for field in fields)
    np.testing.assert_allclose([field.mean() for field in fields], 1.0, rtol=1e-5)
    np.testing.assert_allclose(np.mean([field.std() for field in fields]), variation, rtol=0.15)


def test_patches_tile():
    field = thickness_field(3, 0.4, 1.8, 1.0)
    assert np.abs(field[0] - field[-1]).mean() < 2 * np.abs(np.diff(field, axis=0)).mean()


def test_families_and_parameters_are_drawn_as_the_recipe_says():
    haze, scene = Haze(HazeSection()), Scene(1024, 1024)
    drawn = [haze.draw(generator(1, k), scene, 0.5) for k in range(2000)]
    share = Counter(p.family for p in drawn)
    for family, weight in HazeModes().model_dump().items():
        assert abs(share[family] / 2000 - weight) < 0.035
    assert all(2 <= p.near_m <= 10 and 1.5 <= p.far_m / p.near_m <= 60 for p in drawn)
    assert all(0.2 <= p.variation <= 0.6 and 1 <= p.field_stretch <= 4 for p in drawn)
    assert all(0.29 <= max(p.airlight) <= 1.0 for p in drawn)
    assert abs(np.mean([p.scatter > 0 for p in drawn]) - 0.5) < 0.04
    assert abs(np.mean([p.patches is not None for p in drawn]) - 0.5) < 0.04
    only = Haze(HazeSection(modes=HazeModes(fog=0, haze=0, smoke=1, dusk=0)))
    assert {only.draw(generator(k), scene, 0.5).family for k in range(20)} == {"smoke"}


def test_severity_sets_the_mean_transmission():
    haze = Haze(HazeSection())
    kept = [
        np.median([np.exp(-haze.draw(generator(k), Scene(9, 9), s).thickness) for k in range(99)])
        for s in (0, 0.1, 0.5, 1)
    ]
    assert kept == pytest.approx([np.exp(-0.03), 0.94, 0.79, 0.18], abs=0.03)


@pytest.mark.parametrize("mean", [0.99, 0.7, 0.1])
def test_thickness_is_placed_so_that_the_mean_transmission_is_the_drawn_one(mean):
    rng = np.random.default_rng(1)
    thickness = rng.lognormal(3, 1.5, (25, 40)).astype(np.float32)
    sky = (np.arange(25)[:, None] < 6) * np.ones((25, 40), np.float32)
    kept = np.exp(-place(thickness, sky, mean) * thickness)
    assert np.average(kept, weights=1 - 0.75 * sky) == pytest.approx(mean, rel=1e-3)


def test_a_portrait_and_a_valley_lose_alike():
    image = np.random.default_rng(0).integers(0, 90, (80, 80, 3), dtype=np.uint8)
    lost = []
    for nearest in (1.0, 0.2):
        scene = Scene(80, 80, cue(np.tile(np.linspace(0, nearest, 80)[:, None], (1, 80))))
        out = Haze(HazeSection()).apply(image, even(), scene)
        lost.append(1 - out.astype(float).std(axis=1).mean() / image.astype(float).std(axis=1).mean())
    assert lost[0] == pytest.approx(lost[1], abs=0.08)


def test_fields_of_the_bank_multiply_with_mean_one():
    pattern = np.full((64, 64), 100, np.uint8)
    pattern[:, ::2] = 156
    patches = BankPatches(pattern=PatternChoice(name="x"), span=0.5, top=0.3, left=0.9, flipped=True)
    field = bank_field(pattern, patches, 1.0)
    assert field.shape == (32, 32)
    assert field.mean() == pytest.approx(1, abs=1e-5)
    assert field.std() == pytest.approx(28 / 128, rel=0.01)
    assert bank_field(pattern, patches, 0.1).std() == pytest.approx(0.1, rel=0.01)
    assert bank_field(np.zeros((1, 1), np.uint8), patches, 0.1).shape == (1, 1)


def test_the_recipe_chooses_where_patches_come_from():
    scene = Scene(9, 9)
    bank = Haze(HazeSection(fields=HazeFields(drawn=0, bank=1)))
    params = bank.draw(generator(1), scene, 0.5)
    assert params.patches is not None
    assert bank.needs(params) == {"depth", "patterns.haze"}
    assert Haze(HazeSection(fields=HazeFields(drawn=1, bank=0))).draw(generator(1), scene, 0.5).patches is None


@pytest.mark.parametrize("family", FAMILIES)
def test_made_fields_tile_and_have_mean_one(family):
    field = family(generator(3), 64)
    assert field.min() >= 0
    seam = max(np.abs(field[0] - field[-1]).mean(), np.abs(field[:, 0] - field[:, -1]).mean())
    inside = max(np.abs(np.diff(field, axis=0)).mean(), np.abs(np.diff(field, axis=1)).mean())
    assert seam < 2 * inside
    for seed in range(4):
        made = make(generator(seed), 64)
        assert made.mean() == pytest.approx(128, rel=0.01)
        assert 0.2 < made.std() / made.mean() < 0.65


def test_lamps_glow_at_night_only():
    scene = Scene(80, 80, cue(np.zeros((80, 80))))
    lit = [np.full((80, 80, 3), level, np.uint8) for level in (10, 140)]
    rise = []
    for image in lit:
        image[38:42, 38:42] = 255
        glowing, plain = (
            Haze(HazeSection()).apply(image, even(lamps=lamps), scene).astype(int) for lamps in (4.0, 0.0)
        )
        rise.append(glowing - plain)
    assert rise[0][40, 46, 0] > rise[0][40, 60, 0] > 0
    assert not rise[1].any()


def test_severity_hides_more(photo_paths):
    haze = Haze(HazeSection())
    differences = np.zeros(5)
    for number, path in enumerate(photo_paths[:5]):
        image = cv2.imread(str(path))[:360, :480, ::-1].copy()
        scene = Scene(*image.shape[:2], estimate_depth(image))
        for step, severity in enumerate((0.0, 0.25, 0.5, 0.75, 1.0)):
            for k in range(3):
                out = haze.apply(image, haze.draw(generator(number, k), scene, severity), scene)
                differences[step] += np.abs(out.astype(int) - image).mean() / 15
    assert (np.diff(differences) > 3).all(), differences


def test_the_air_of_a_night_is_dark():
    night = np.full((60, 80, 3), 12, np.uint8)
    out = Haze(HazeSection()).apply(night, even(thickness=1.5), Scene(60, 80, cue(np.zeros((60, 80)))))
    assert 12 < out.mean() < 110


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 3000), (31, 33)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_any_size_and_content(shape, level):
    image = np.full((*shape, 3), level, np.uint8)
    scene = Scene(*shape, estimate_depth(image))
    haze = Haze(HazeSection())
    for k in range(4):
        out = haze.apply(image, haze.draw(generator(k), scene, 0.25 * (k + 1)), scene)
        assert out.shape == image.shape and out.dtype == np.uint8


def test_the_depth_may_have_any_size():
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    haze = Haze(HazeSection())
    for size in ((5, 7), (50, 70), (100, 140)):
        scene = Scene(50, 70, cue(np.linspace(0, 1, size[0] * size[1]).reshape(size)))
        assert haze.apply(image, haze.draw(generator(1), scene, 0.6), scene).shape == image.shape


def test_it_asks_for_depth():
    assert Haze(HazeSection()).needs(even()) == {"depth"}
    with pytest.raises(ValueError, match="depth"):
        Haze(HazeSection()).apply(np.zeros((4, 4, 3), np.uint8), even(), Scene(4, 4))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 1), st.integers(1, 40), st.integers(1, 40))
def test_a_trace_replays_to_the_bit(seed, severity, height, width):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    before = image.copy()
    scene = Scene(height, width, estimate_depth(image))
    haze = Haze(HazeSection())
    params = haze.draw(generator(seed), scene, severity)
    again = HazeParams.model_validate(json.loads(json.dumps(params.model_dump(mode="json"))))
    assert again == params
    assert np.array_equal(haze.apply(image, params, scene), haze.apply(image, again, scene))
    assert np.array_equal(image, before)


def test_equal_to_the_bit_in_another_process_and_with_other_threads(tmp_path, photo_paths):
    image = cv2.imread(str(photo_paths[0]))
    np.save(tmp_path / "image.npy", image)
    code = (
        "import sys, cv2, numpy as np\n"
        "from degradations.cues.depth import estimate_depth\n"
        "from degradations.haze import Haze\n"
        "from degradations.rng import generator\n"
        "from degradations.scene import Scene\n"
        "from schemas.recipe.degradations import HazeSection\n"
        "cv2.setNumThreads(int(sys.argv[2]))\n"
        "image = np.load(sys.argv[1] + '/image.npy')\n"
        "scene, haze = Scene(*image.shape[:2], estimate_depth(image)), Haze(HazeSection())\n"
        "outs = [haze.apply(image, haze.draw(generator(k), scene, .6), scene) for k in range(6)]\n"
        "np.save(sys.argv[1] + f'/{sys.argv[2]}.npy', np.stack(outs))\n"
    )
    for threads in ("1", "4"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path), threads], check=True)
    assert np.array_equal(np.load(tmp_path / "1.npy"), np.load(tmp_path / "4.npy"))
