"""Flare: the light that a lens scatters from a source, added in linear light."""

import json
from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degradations.flare import Flare, FlareParams
from degradations.flare.compose import Lift, add_light
from degradations.flare.place import LIGHT, add_pattern, empty, inverse_affine, reduction, towards_middle, without_core
from degradations.flare.source import brightest_blobs
from degradations.flare.spectrum import LogPolar, black_body, colour_matching, disperse
from degradations.light import decode
from degradations.patterns.flare import make
from degradations.rng import generator
from degradations.scene import Scene
from schemas.recipe.degradations import FlareModes, FlareSection
from tests.degradations.pictures import crops

FLARE = Flare(FlareSection())


def white(**changes):
    """A flare of white light on the brightest blob, plain in everything else."""
    values = {
        "mode": "bright_source",
        "pattern": {"name": "00000"},
        "place": None,
        "lamps": 1,
        "turn": 0.0,
        "scale": 1.0,
        "shear": 0.0,
        "flip": False,
        "brightness": 0.3,
        "veil": 0.0,
        "kelvin": 6504.0,
        "source_share": 0.0,
        "blur": 0.0,
        "highlight_gain": 1.0,
    }
    return FlareParams.model_validate(values | changes)


def night(height=240, width=320, lamp=(80, 250), radius=4):
    """A dark scene with one lamp at (row, column), orange around a blown middle."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - lamp[0], x - lamp[1])
    glow = 200.0 * np.exp(-np.maximum(distance - radius, 0.0) / 6.0)
    image = np.stack([15 + glow, 15 + 0.7 * glow, 20 + 0.3 * glow], axis=2)
    image[distance <= radius] = 255
    return image.astype(np.uint8)


def apply(image, **changes):
    return FLARE.apply(image, white(**changes), Scene(*image.shape[:2]))


def test_doubling_the_flare_doubles_the_light_that_it_adds():
    image = np.full((200, 200, 3), 30, np.uint8)
    place = {"mode": "off_frame", "place": (-0.1, 0.3)}
    once = decode(apply(image, brightness=0.1, **place)) - decode(image)
    twice = decode(apply(image, brightness=0.2, **place)) - decode(image)
    open_light = once < 0.4
    assert open_light.mean() > 0.95
    assert once[open_light].max() > 0.05
    np.testing.assert_allclose(twice[open_light], 2.0 * once[open_light], atol=0.012)


def test_light_adds_in_linear_light_whatever_the_picture():
    image = np.tile(np.arange(0, 200, dtype=np.uint8)[None, :, None], (4, 1, 3))
    flare, veil = np.full((2, 100, 3), 0.1, np.float32), np.array([0.02, 0.0, 0.01], np.float32)
    for strength in (1.0, 2.0):
        out = add_light(image, flare, 2, strength, strength * veil)
        np.testing.assert_allclose(decode(out), decode(image) + strength * (0.1 + veil), atol=0.005)


def test_highlights_are_lifted_at_the_source_alone():
    image = np.full((60, 90, 3), 245, np.uint8)
    image[:, 40:50] = 200
    nothing = np.zeros((60, 90, 3), np.float32)
    out = add_light(image, nothing, 1, 1.0, np.zeros(3, np.float32), Lift(4.0, 20.0, 30.0, 5.0))
    assert out[30, 20].min() == 255
    assert (np.diff(out[30, 20:40, 0].astype(int)) <= 0).all()
    assert np.array_equal(out[:, 36:], image[:, 36:])


def test_no_light_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (61, 47, 3), dtype=np.uint8)
    assert np.array_equal(apply(image, brightness=0.0), image)


@pytest.mark.parametrize("severity", [0.05, 0.5, 1.0])
def test_nothing_is_taken_away_and_the_core_of_the_source_stays(severity):
    image = night()
    core = (image == 255).all(axis=2)
    for k in range(12):
        out = FLARE.apply(image, FLARE.draw(generator(k), Scene(240, 320), severity), Scene(240, 320))
        assert (out >= image).all()
        assert (out[core] == 255).all()


def test_the_light_is_brightest_at_the_source():
    image = night()
    added = decode(apply(image, brightness=0.02, pattern={"name": "00003"})) - decode(image)
    free = cv2.GaussianBlur(added.sum(axis=2), (0, 0), 5)
    row, column = np.unravel_index(np.where((image > 200).any(axis=2), 0, free).argmax(), free.shape)
    assert np.hypot(row - 80, column - 250) < 20


@pytest.mark.parametrize("lamp", [(80, 250), (20, 30), (200, 160)])
@pytest.mark.parametrize("scale", [1, 5])
def test_the_source_is_found_and_its_colour_is_that_around_it(lamp, scale):
    image = night(240 * scale, 320 * scale, (lamp[0] * scale, lamp[1] * scale), 3 * scale)
    (x, y, colour, power), *others = brightest_blobs(image, 3)
    assert power == 1.0 and not others
    assert np.hypot(x - lamp[1] * scale, y - lamp[0] * scale) < 1.5 * scale
    assert colour[0] > colour[1] > colour[2]
    assert colour @ [0.2126, 0.7152, 0.0722] == pytest.approx(1.0, abs=1e-4)


def test_a_lamp_wins_over_a_grey_wall_and_of_two_lamps_the_brighter():
    image = night()
    image[100:, :200] = np.maximum(image[100:, :200], 150)
    image[30:36, 60:66] = 215
    source, *_ = brightest_blobs(image)
    assert (round(source.x), round(source.y)) == (250, 80)


def test_other_lamps_flare_with_it_as_bright_as_they_are():
    image = np.maximum(night(), night(lamp=(150, 60), radius=2))
    first, second = brightest_blobs(image, 3)
    assert np.hypot(first.x - 250, first.y - 80) < 1.5
    assert np.hypot(second.x - 60, second.y - 150) < 1.5
    assert second.power < 0.7
    assert len(brightest_blobs(image, 1)) == 1


def test_the_pattern_lies_on_its_source_and_its_ghosts_point_to_the_middle_of_the_picture():
    pattern = np.zeros((101, 101, 3), np.uint8)
    affine = inverse_affine(300, 400, pattern, 50.0, 220.0, towards_middle(300, 400, 50.0, 220.0), 1.3, 12.0, False)
    np.testing.assert_allclose(affine @ [50.0, 220.0, 1.0], [50.0, 50.0], atol=1e-9)
    middle = affine @ [199.5, 149.5, 1.0]
    assert middle[0] > 50.0
    assert middle[1] == pytest.approx(50.0, abs=1e-9)
    whole = inverse_affine(300, 300, pattern, 149.5, 149.5, 30.0, 1.0, 0.0, False)
    assert 101 / np.linalg.norm(whole[:, 0]) == pytest.approx(600.0)


def test_a_pattern_adds_its_tinted_light_and_fades_out_at_its_border():
    pattern = np.full((64, 64, 3), 128, np.uint8)
    affine = inverse_affine(40, 60, pattern, 30.0, 20.0, 30.0, 0.5, 0.0, False)
    flare, tint = empty(40, 60), np.array([1.0, 0.5, 0.25], np.float32)
    for times in (1, 2):
        add_pattern(flare, pattern, LIGHT, affine, tint, 1)
        np.testing.assert_allclose(flare[20, 30], times * (128 / 255) ** 2 * tint, rtol=1e-5)
    assert flare[0, 0].max() == 0.0
    steps = np.abs(np.diff(flare[20, :, 0]))
    assert steps.max() < 0.6 * flare.max()
    assert empty(1024, 1500).shape == (512, 750, 3)
    assert reduction(4096, 6000) == 8


@pytest.mark.parametrize("mode", ["bright_source", "off_frame"])
def test_brightness_is_the_flares_99th_percentile(mode):
    image = np.zeros((256, 256, 3), np.uint8)
    image[60:66, 90:96] = 255
    place = {"mode": mode, "place": None if mode == "bright_source" else (1.15, 0.4)}
    for brightness in (0.1, 0.4):
        out = decode(apply(image, brightness=brightness, **place)).max(axis=2)
        assert np.quantile(out, 0.99) == pytest.approx(brightness, rel=0.12)


def test_anywhere_shows_the_glow_without_the_source():
    table = without_core(0.1)
    faint, core = LIGHT <= 0.002, LIGHT > 0.9
    np.testing.assert_allclose(table[faint], LIGHT[faint], rtol=0.03)
    assert table[core].max() < 0.1
    assert (np.diff(table) > 0).all()


def test_an_off_frame_light_is_beyond_the_border_and_darkens_away_from_it():
    only = Flare(FlareSection(modes=FlareModes(bright_source=0, anywhere=0, off_frame=1)))
    for k in range(300):
        place = np.array(only.draw(generator(k), Scene(9, 9), 0.5).place)
        beyond = np.abs(place - 0.5).max() - 0.5
        assert 0.05 <= beyond <= 0.3 + 1e-9
    out = apply(np.zeros((240, 240, 3), np.uint8), mode="off_frame", place=(-0.1, 0.5)).astype(int)
    assert out[:, :60].mean() > 2 * out[:, -60:].mean()


def test_parameters_are_drawn_as_the_specification_says():
    drawn = [FLARE.draw(generator(2, k), Scene(1024, 2048), k % 100 / 99) for k in range(3000)]
    share = Counter(p.mode for p in drawn)
    for mode, weight in FlareModes().model_dump().items():
        assert share[mode] / 3000 == pytest.approx(weight, abs=0.03)
    assert all((p.place is None) == (p.mode == "bright_source") for p in drawn)
    assert all(0.8 <= p.scale <= 1.5 and abs(p.shear) <= 10 and 0.1 <= p.blur <= 3 for p in drawn)
    assert all(0 <= p.veil <= 0.05 and 2200 <= p.kelvin <= 9000 for p in drawn)
    logs = np.log([p.brightness for p in drawn if p.mode != "anywhere"])
    assert np.mean(logs) == pytest.approx(np.log(0.03 * 3) / 2, abs=0.1)
    assert np.quantile(logs, 0.5) == pytest.approx(np.log(0.03 * 3) / 2, abs=0.15)
    assert logs.min() >= np.log(0.03) - 1e-9 and logs.max() <= np.log(3) + 1e-9
    assert len({p.pattern.name for p in drawn}) == 48
    lifted = [p.highlight_gain > 1 for p in drawn if p.mode == "bright_source"]
    assert np.mean(lifted) == pytest.approx(0.5, abs=0.04)


def test_the_veil_is_thin_at_night():
    veils = []
    for code in (10, 60, 118, 180):
        image = np.full((64, 64, 3), code, np.uint8)
        veils.append(float((decode(apply(image, brightness=0.0, veil=0.05)) - decode(image)).mean()))
    np.testing.assert_allclose(veils, [0.0125, 0.0125 * 2.05, 0.05, 0.05], rtol=0.12)


def test_a_mode_can_be_switched_off():
    only = Flare(FlareSection(modes=FlareModes(bright_source=0, anywhere=1, off_frame=0)))
    assert {only.draw(generator(k), Scene(9, 9), 0.5).mode for k in range(30)} == {"anywhere"}


def test_severity_adds_light():
    differences = np.zeros(5)
    for number, image in enumerate(crops(4)):
        scene = Scene(*image.shape[:2])
        for step, severity in enumerate((0.0, 0.25, 0.5, 0.75, 1.0)):
            for k in range(8):
                out = FLARE.apply(image, FLARE.draw(generator(number, k), scene, severity), scene)
                differences[step] += np.abs(out.astype(int) - image).mean() / 32
    assert differences[0] < 6
    assert (np.diff(differences) > 2).all(), differences


def test_the_same_seed_makes_the_same_pattern():
    first = make(generator(3, "flare", 1), 256)
    assert first.shape == (256, 256, 3) and first.dtype == np.uint8
    threads = cv2.getNumThreads()
    try:
        for count in (1, 3):
            cv2.setNumThreads(count)
            assert np.array_equal(first, make(generator(3, "flare", 1), 256))
    finally:
        cv2.setNumThreads(threads)
    assert not np.array_equal(first, make(generator(3, "flare", 2), 256))


def test_a_pattern_has_its_light_in_the_middle_and_none_at_the_border():
    for k in range(4):
        light = (make(generator(9, "flare", k), 256) / 255.0) ** 2
        assert light[126:130, 126:130].min() > 0.7
        assert light[124:132, 124:132].mean() > 1.5 * light[112:144, 112:144].mean()
        assert max(light[0].max(), light[-1].max(), light[:, 0].max(), light[:, -1].max()) < 1e-4
        assert np.quantile(light.max(axis=2), 0.99) == pytest.approx(0.125, rel=0.05)


def test_diffraction_grows_in_proportion_to_the_wavelength():
    polar = LogPolar(256)
    samples = np.zeros((polar.angles, polar.radii), np.float32)
    inner = int(np.searchsorted(polar.radius, 30.0))
    samples[:, inner] = 1.0
    spread = disperse(samples, polar, 0.01)[0]
    nanometres = 400.0 * polar.radius / polar.radius[inner]
    red, _, blue = (float((nanometres * spread[:, c]).sum() / spread[:, c].sum()) for c in range(3))
    expected = np.linspace(400.0, 700.0, 301)
    response = colour_matching(expected) / expected[:, None] ** 2
    assert red == pytest.approx((expected * response[:, 0]).sum() / response[:, 0].sum(), rel=0.02)
    assert blue == pytest.approx((expected * response[:, 2]).sum() / response[:, 2].sum(), rel=0.02)
    assert red > 1.2 * blue


def test_log_polar_there_and_back():
    x, y = np.meshgrid(np.arange(128) - 63.5, np.arange(128) - 63.5)
    picture = (1.0 + np.exp(-((x - 20) ** 2 + (y + 15) ** 2) / 200)).astype(np.float32)
    polar = LogPolar(128)
    back = polar.roll(polar.unroll(picture, (63.5, 63.5))[:, :, None])
    np.testing.assert_allclose(back[8:-8, 8:-8], picture[8:-8, 8:-8], atol=0.01)


def test_colours_of_lamps():
    candle, lamp, daylight, sky = (black_body(kelvin) for kelvin in (2000.0, 3200.0, 6504.0, 9000.0))
    np.testing.assert_allclose(daylight, 1.0, atol=1e-5)
    assert candle[2] / candle[0] < lamp[2] / lamp[0] < 1.0 < sky[2] / sky[0]


def test_it_names_its_bank():
    assert FLARE.needs(white()) == {"patterns.flare"}


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 3000), (31, 33), (700, 9)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_any_size_and_content(shape, level):
    image = np.full((*shape, 3), level, np.uint8)
    scene = Scene(*shape)
    for k in range(4):
        out = FLARE.apply(image, FLARE.draw(generator(k), scene, 0.25 * (k + 1)), scene)
        assert out.shape == image.shape and out.dtype == np.uint8
        assert (out >= image).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 1), st.integers(1, 60), st.integers(1, 60))
def test_a_trace_replays_to_the_bit(seed, severity, height, width):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    before = image.copy()
    scene = Scene(height, width)
    params = FLARE.draw(generator(seed), scene, severity)
    again = FlareParams.model_validate(json.loads(json.dumps(params.model_dump(mode="json"))))
    assert again == params
    assert np.array_equal(FLARE.apply(image, params, scene), FLARE.apply(image, again, scene))
    assert np.array_equal(image, before)
