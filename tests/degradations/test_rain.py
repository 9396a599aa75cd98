"""Rain: falling drops before a scene of metric depth."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degradations.cues.depth import estimate_depth
from degradations.light import decode, encode
from degradations.patterns.rain import make
from degradations.rain import Rain, RainParams
from degradations.rain.air import extinction_per_km
from degradations.rain.compose import compose
from degradations.rain.drops import Drops, fall_speed, line_opacity, sample, slope
from degradations.rain.ground import facing_up, fresnel
from degradations.rain.lens import lens_drops, overlap, placed, refraction
from degradations.rain.params import Camera, LensDrops, Shower
from degradations.rain.segments import draw
from degradations.rain.splashes import places, splashes
from degradations.rain.streaks import PIXEL, project, velocity
from degradations.rng import generator
from degradations.scene import DepthCue, Scene
from schemas.recipe.degradations import RainModes, RainSection
from tests.degradations.pictures import crops

CAMERA = Camera(
    focal_px=1000.0,
    pitch=0.0,
    roll=0.0,
    exposure_s=1 / 100,
    aperture_m=1e-6,
    focus_m=5.0,
    near_m=2.0,
    far_m=200.0,
)
SHOWER = Shower(rate_mm_h=50.0, gain=1.0, shelter_m=0.5, wind_m_s=(0.0, 0.0), turbulence=0.0, most=2000, flash=0.0)
OPEN = np.zeros((1, 1), np.float32)


def only(mode, **changes):
    modes = RainModes(**{name: float(name == mode) for name in RainModes.model_fields})
    return Rain(RainSection(modes=modes, **changes))


def cue(disparity, sky=None):
    disparity = np.asarray(disparity, np.float32)
    return DepthCue(disparity, np.zeros_like(disparity) if sky is None else np.asarray(sky, np.float32), "test", "0")


def floor_and_wall(height, width, horizon=0.5):
    """1/distance: a wall 20 m away that stands on level ground."""
    rows = (np.arange(height, dtype=np.float32)[:, None] - horizon * height) / height
    return np.ascontiguousarray(np.broadcast_to(np.maximum(rows * 0.8, 0.05), (height, width)).astype(np.float32))


def test_drop_sizes_follow_marshall_and_palmer_and_numbers_the_volume():
    drops = sample(generator(1), 50.0, 1 / 100, 1.0, 1000.0, 1.0, 2.0, 10**9)
    rate = slope(50.0)
    assert rate == pytest.approx(4.1 * 50**-0.21)
    # Within 3 m even the smallest of these sizes shows.
    chosen = (drops.distance < 3.0) & (drops.diameter > 0.8) & (drops.diameter < 2.8)
    edges = np.linspace(0.8, 2.8, 6)
    shares = np.diff(-np.exp(-rate * edges)) / (np.exp(-rate * 0.8) - np.exp(-rate * 2.8))
    counts = np.histogram(drops.diameter[chosen], edges)[0]
    np.testing.assert_allclose(counts / counts.sum(), shares, atol=0.02)
    nearer = drops.distance[chosen] < 2.2
    assert nearer.mean() == pytest.approx((2.2**3 - 1) / (3**3 - 1), abs=0.02)
    per_cubic_metre = 8000 / rate * (np.exp(-rate * 0.8) - np.exp(-rate * 2.8))
    assert chosen.sum() == pytest.approx(per_cubic_metre * 2.0 / 3 * (27 - 1), rel=0.05)


def test_fall_speed_opacity_and_extinction_laws():
    diameter = np.array([0.5, 1.0, 3.0])
    np.testing.assert_allclose(fall_speed(diameter), 9.65 - 10.3 * np.exp(-0.6 * diameter))
    np.testing.assert_allclose(line_opacity(diameter, 0.01, 1.0), 1e-3 * diameter / (fall_speed(diameter) * 0.01))
    assert (line_opacity(diameter, 1e-5, 1.0) == 1).all()
    assert extinction_per_km(10.0) == pytest.approx(0.312 * 10**0.67)


def test_the_most_opaque_drops_are_kept_when_there_are_too_many():
    drops = sample(generator(2), 100.0, 1 / 100, 2.0, 1000.0, 0.5, 1.0, 500)
    assert 300 < drops.diameter.size <= 500
    opacity = drops.line_opacity * np.minimum(1.0, drops.diameter / drops.distance)
    assert opacity.min() > 0.9 * np.median(opacity) / 3
    everything = sample(generator(2), 100.0, 1 / 100, 2.0, 1000.0, 0.5, 1.0, 10**9)
    assert (everything.line_opacity * np.minimum(1.0, everything.diameter / everything.distance)).min() < opacity.min()


def test_streaks_have_the_length_and_width_of_the_pinhole():
    diameter, distance = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 4.0, 8.0])
    drops = Drops(diameter, distance, line_opacity(diameter, CAMERA.exposure_s, 1.0))
    streaks = project(generator(3), drops, SHOWER, CAMERA, 800, 800).astype(float)
    length = np.hypot(streaks[:, 2] - streaks[:, 0], streaks[:, 3] - streaks[:, 1])
    np.testing.assert_allclose(length, 1000 * fall_speed(diameter) / 100 / distance, rtol=1e-3)
    width = 1000 * 1e-3 * diameter / distance
    np.testing.assert_allclose(streaks[:, 4], PIXEL * np.maximum(width, 1.0), rtol=1e-3)
    np.testing.assert_allclose(streaks[:, 5], drops.line_opacity * np.minimum(1.0, width), rtol=1e-3)
    np.testing.assert_allclose(streaks[:, 6], 1 / distance, rtol=1e-6)


def test_defocus_widens_a_streak_and_keeps_its_light():
    drops = Drops(np.full(5, 2.0), np.full(5, 1.0), np.full(5, 0.3))
    sharp, wide = (
        project(generator(4), drops, SHOWER, CAMERA.model_copy(update={"aperture_m": a}), 800, 800)
        for a in (1e-6, 0.01)
    )
    assert (wide[:, 4] > 3 * sharp[:, 4]).all()
    np.testing.assert_allclose(wide[:, 4] * wide[:, 5], sharp[:, 4] * sharp[:, 5], rtol=1e-4)


def test_streaks_point_to_the_vanishing_point_of_their_fall():
    camera = CAMERA.model_copy(update={"pitch": 0.3, "exposure_s": 1 / 60})
    drops = Drops(np.full(200, 2.0), np.full(200, 3.0), np.full(200, 0.3))
    streaks = project(generator(5), drops, SHOWER, camera, 800, 800).astype(float)
    right, down, away = velocity(fall_speed(np.array([2.0])), (0.0, 0.0), camera)
    point = np.array([1000 * right / away + 399.5, 1000 * down / away + 399.5]).ravel()
    along = streaks[:, 2:4] - streaks[:, :2]
    to = point - streaks[:, :2]
    cross = along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0]
    np.testing.assert_allclose(cross / np.hypot(*along.T) / np.hypot(*to.T), 0, atol=1e-3)


def test_wind_slants_small_drops_more():
    shower = SHOWER.model_copy(update={"wind_m_s": (3.0, 0.0)})
    drops = Drops(np.array([1.0, 4.0]), np.array([3.0, 3.0]), np.array([0.3, 0.3]))
    streaks = project(generator(6), drops, shower, CAMERA, 800, 800).astype(float)
    slant = (streaks[:, 2] - streaks[:, 0]) / (streaks[:, 3] - streaks[:, 1])
    np.testing.assert_allclose(slant, 3.0 / fall_speed(np.array([1.0, 4.0])), rtol=1e-3)


def segment(x0, y0, x1, y1, half=PIXEL, opacity=0.5, near=1.0):
    return np.array([[x0, y0, x1, y1, half, opacity, near, 0, 0]], np.float32)


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2, np.pi / 2, 2.6])
def test_a_segment_holds_the_light_of_its_length_and_width(angle):
    dx, dy = 30 * np.cos(angle), 30 * np.sin(angle)
    plane = np.zeros((96, 96), np.float32)
    draw(plane, segment(48.3 - dx / 2, 47.6 - dy / 2, 48.3 + dx / 2, 47.6 + dy / 2, 2.5, 0.1), OPEN)
    assert plane.sum() == pytest.approx(0.1 * 30 * 2.5 * 16 / 15, rel=0.03)
    y, x = np.mgrid[:96, :96]
    assert (plane * x).sum() / plane.sum() == pytest.approx(48.3, abs=0.1)
    assert (plane * y).sum() / plane.sum() == pytest.approx(47.6, abs=0.1)


def test_opacities_join_as_layers_do():
    plane = np.zeros((9, 9), np.float32)
    for _ in range(2):
        draw(plane, segment(4, -20, 4, 30, 0.9, 0.5), OPEN)
    assert plane[4, 4] == pytest.approx(0.75, abs=1e-6)


def test_streaks_vanish_exactly_where_the_scene_is_nearer():
    nearness = np.zeros((8, 8), np.float32)
    nearness[:, 4:] = 0.5  # a wall 2 m away covers the right half
    plane = np.zeros((64, 64), np.float32)
    draw(plane, segment(2, 32, 62, 32, 1.5, 0.5, 1 / 3.0), nearness)  # 3 m away: behind it
    assert (plane[:, 32:] == 0).all()
    assert (plane[31:34, 6:32] > 0).all()
    plane[:] = 0
    draw(plane, segment(2, 32, 62, 32, 1.5, 0.5, 1 / 1.9), nearness)  # before it
    assert (plane[32, 6:58] > 0).all()


@pytest.mark.parametrize("mode", ["streaks", "bank"])
def test_a_picture_keeps_its_near_half_when_all_rain_falls_behind_it(mode):
    image = crops(1, 96, 96)[0]
    disparity = np.zeros((48, 48))
    disparity[:, 24:] = 1.0
    rain = only(mode, wet_ground=0.0, splashes=0.0, flash=0.0)
    scene = Scene(96, 96, cue(disparity))
    params = rain.draw(generator(1), scene, 0.9)
    camera = params.camera.model_copy(update={"near_m": 1.0, "far_m": 500.0})
    air = params.air.model_copy(update={"veil_per_km": 0.0, "spray": 0.0, "saturation": 1.0, "dimming": 1.0})
    layers = tuple(layer.model_copy(update={"distance_m": 3.0, "opacity": 1.0}) for layer in params.layers)
    params = params.model_copy(
        update={
            "camera": camera,
            "air": air,
            "layers": layers,
            "shower": params.shower.model_copy(update={"shelter_m": 1.01, "gain": 6.0, "rate_mm_h": 150.0}),
        }
    )
    out = rain.apply(image, params, scene)
    np.testing.assert_array_equal(out[:, 48:], image[:, 48:])
    assert (out[:, :48] != image[:, :48]).mean() > 0.05


def test_composition_is_linear_in_light():
    rng = np.random.default_rng(0)
    codes = rng.integers(20, 120, (40, 50, 3)).astype(np.uint8)
    bright = encode(2 * decode(codes))
    keep, grey = rng.random((2, 5, 7)).astype(np.float32)
    add, shine = (rng.random((2, 5, 7, 3)) * 0.1).astype(np.float32)
    streaks = rng.random((40, 50)).astype(np.float32)
    once = compose(codes, keep, grey, add, shine, streaks, None)
    twice = compose(bright, keep, grey, 2 * add, 2 * shine, streaks, None)
    error = np.abs(encode(2 * decode(once)).astype(int) - twice)
    assert error.max() <= 3  # rounding of the input, the dim and the bright output
    assert error.mean() < 0.6


@pytest.mark.parametrize("mode", RainModes.model_fields)
def test_twice_the_light_of_a_scene_gives_twice_the_light_of_its_rain(mode):
    image = (crops(1, 96, 96)[0] // 3 + 10).astype(np.uint8)
    bright = encode(2 * decode(image))
    scene = Scene(96, 96, estimate_depth(image))
    params = only(mode).draw(generator(4), scene, 0.6)
    params = params.model_copy(update={"air": params.air.model_copy(update={"highlight": 1.0})})
    once, twice = (Rain(RainSection()).apply(picture, params, scene) for picture in (image, bright))
    expected = np.minimum(2 * decode(once), 1)
    kept = np.abs(expected - decode(twice)) <= 0.02 + 0.03 * expected
    assert kept.mean() > 0.99


def test_only_what_lies_faces_up():
    nearness = floor_and_wall(120, 160)
    upward, sight = facing_up(nearness, 200.0)
    assert (upward[5:60] == 0).all()
    assert (upward[82:] > 0.99).all()
    below = (np.arange(82, 118) + 0.5 - 60) / 200  # of the horizon, where a ray meets level ground
    np.testing.assert_allclose(sight[82:118, 80], below / np.sqrt(1 + below**2), rtol=0.1)
    slanted = np.ascontiguousarray(np.broadcast_to(np.linspace(0.05, 0.5, 160, dtype=np.float32), (120, 160)))
    assert (facing_up(slanted, 200.0)[0] == 0).all()


def test_splashes_rise_from_upward_surfaces_alone():
    nearness = floor_and_wall(120, 160)
    upward = facing_up(nearness, 200.0)[0]
    _, y, _ = places(generator(1), upward, nearness, 4000)
    assert y.size > 100
    assert (y * 120 > 60).all()
    wall = np.full((120, 160), 0.2, np.float32)
    none = splashes(generator(1), facing_up(wall, 200.0)[0], wall, CAMERA, (480, 640), 2000, 5.0)
    assert none.shape == (0, 9)


def test_a_splash_throws_8_to_20_droplets_up():
    everywhere, near = np.ones((4, 4), np.float32), np.full((4, 4), 0.5, np.float32)
    for seed in range(5):
        thrown = splashes(generator(seed), everywhere, near, CAMERA, (4000, 4000), 1, 1000.0)
        assert thrown.shape[0] in (0, *range(8, 21))
        if thrown.size:
            assert thrown[:, [1, 3]].max() - thrown[:, [1, 3]].min() < 1000 * 0.5 * 0.2  # 1.9 m/s rises 18 cm


def test_water_reflects_as_schlick_and_more_at_grazing_angles():
    values = fresnel(np.array([[1.0, 0.5, 0.1]], np.float32))[0]
    assert values[0] == pytest.approx(0.02, abs=1e-6)
    assert values[1] == pytest.approx(0.02 + 0.98 * 0.5**5, rel=1e-5)
    assert values[2] == pytest.approx(0.5)


DROPS = LensDrops(count=1, glass_m=0.2, radius_mm=(5.0, 5.0), contact_degrees=40.0, softness=0.1)


def test_lens_drops_show_the_scene_upside_down():
    ramp = np.linspace(0.1, 0.9, 64, dtype=np.float32)
    light = np.ascontiguousarray(np.broadcast_to(ramp[:, None, None], (64, 64, 3)))
    for seed in range(20):
        x, y, radius = placed(generator(seed), DROPS, 1200.0, 512, 512)[0, :3]
        if 150 < x < 360 and 200 < y < 310:
            break
    cover, refracted = lens_drops(generator(seed), DROPS, light, 1200.0, 512, 512)
    middle = slice(int(y - 0.4 * radius), int(y + 0.4 * radius))
    assert (cover[middle, int(x)] == 1).all()
    assert (np.diff(refracted[middle, int(x), 1]) < 0).all()  # down in the drop is up in the scene
    assert cover[0, 0] == 0


def test_refraction_follows_snell_and_the_rim_is_dark():
    bend, clear = refraction(40.0)
    rim = np.radians(40.0)
    assert bend[0] == 0
    assert bend[-1] == pytest.approx(np.tan(np.arcsin(1.33 * np.sin(rim)) - rim), rel=1e-5)
    assert (np.diff(bend) > 0).all()
    assert clear[0] == pytest.approx(1 - (0.33 / 2.33) ** 2, rel=1e-4)
    assert clear[-1] < 0.4


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_lens_drops_overlap_by_a_fifth_at_most(seed):
    many = DROPS.model_copy(update={"count": 60, "radius_mm": (1.5, 6.0)})
    discs = placed(generator(seed), many, 1000.0, 600, 800).astype(float)
    for i in range(len(discs)):
        for j in range(i):
            distance = np.hypot(*(discs[i, :2] - discs[j, :2]))
            assert overlap(distance, discs[i, 2], discs[j, 2]) <= 0.2 + 1e-6


def test_overlap_of_discs():
    assert overlap(3.0, 1.0, 2.0) == 0
    assert overlap(0.5, 1.0, 2.0) == 1
    assert overlap(1.0, 1.0, 1.0) == pytest.approx(2 / 3 - np.sqrt(3) / (2 * np.pi))


def test_distant_things_fade_into_the_veil():
    image = np.full((64, 64, 3), 30, np.uint8)
    image[:32] = 150
    disparity = np.tile(np.linspace(0, 1, 64)[:, None], (1, 64))
    params = only("veil", wet_ground=0.0, splashes=0.0).draw(generator(2), Scene(64, 64), 0.8)
    shower, air = (
        params.shower.model_copy(update={"most": 0}),
        params.air.model_copy(update={"variation": 0.0, "spray": 0.0}),
    )
    params = params.model_copy(update={"shower": shower, "air": air})
    out = decode(Rain(RainSection()).apply(image, params, Scene(64, 64, cue(disparity))))
    rows = out[34:].mean(axis=(1, 2))
    assert rows[0] > rows[-1]
    assert (np.diff(rows) <= 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), severity=st.floats(0, 1), size=st.tuples(st.integers(1, 60), st.integers(1, 60)))
@pytest.mark.parametrize("mode", RainModes.model_fields)
def test_every_mode_replays_from_json_at_any_size(mode, seed, severity, size):
    rain = only(mode)
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    scene = Scene(*size, cue(rng.random(size)))
    params = rain.draw(generator(seed), scene, severity)
    assert params.mode == mode
    assert ("patterns.rain" in rain.needs(params)) == (mode == "bank")
    read_back = RainParams.model_validate(json.loads(params.model_dump_json()))
    assert read_back == params
    out = rain.apply(image, params, scene)
    assert out.shape == image.shape
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(rain.apply(image, read_back, scene), out)


@pytest.mark.parametrize("size", [(1, 400), (400, 1), (2000, 3)])
@pytest.mark.parametrize("mode", RainModes.model_fields)
def test_ribbons_and_black_pictures(mode, size):
    for code in (0, 255):
        image = np.full((*size, 3), code, np.uint8)
        scene = Scene(*size, estimate_depth(image))
        out = only(mode).apply(image, only(mode).draw(generator(1), scene, 1.0), scene)
        assert out.shape == image.shape
        if code == 0:
            assert out.max() == 0  # no light, no rain


def test_rain_rate_and_light_have_their_distributions():
    rain, rng = Rain(RainSection()), generator(5)
    drawn = [rain.draw(rng, Scene(512, 512), float(rng.random())) for _ in range(2000)]
    rate = np.array([params.shower.rate_mm_h for params in drawn])
    shine = np.array([params.air.shine for params in drawn])
    quantiles = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
    np.testing.assert_allclose(np.quantile(np.log(rate / 5) / np.log(30), quantiles), quantiles, atol=0.05)
    np.testing.assert_allclose(np.quantile((shine - 0.9) / 2.1, quantiles), quantiles, atol=0.05)
    assert {params.mode for params in drawn} == set(RainModes.model_fields)


def test_severity_grows_from_barely_visible():
    images = crops(3, 160, 160)
    scenes = [Scene(160, 160, estimate_depth(image)) for image in images]

    def difference(severity):
        changes = []
        for seed in range(8):
            for image, scene in zip(images, scenes, strict=True):
                out = Rain(RainSection()).apply(
                    image, Rain(RainSection()).draw(generator(seed), scene, severity), scene
                )
                changes.append(
                    np.abs(
                        cv2.cvtColor(out, cv2.COLOR_RGB2LAB).astype(float) - cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
                    ).mean()
                )
        return np.mean(changes)

    steps = [difference(severity) for severity in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert (np.diff(steps) > 0).all()
    assert steps[0] < 2.5
    assert steps[-1] > 5 * steps[0]


def test_depth_is_asked_for():
    image = np.zeros((8, 8, 3), np.uint8)
    rain = only("streaks")
    params = rain.draw(generator(0), Scene(8, 8), 0.5)
    assert rain.needs(params) == {"depth"}
    with pytest.raises(ValueError, match="depth"):
        rain.apply(image, params, Scene(8, 8))


def test_bank_layers_are_the_same_bytes_and_tile():
    first = make(generator(3), 128)
    assert first.dtype == np.uint8
    assert first.shape == (128, 128)
    np.testing.assert_array_equal(make(generator(3), 128), first)
    assert (make(generator(4), 128) != first).any()
    seams, inside = [], []
    for seed in range(12):
        tile = make(generator(seed), 128).astype(float)
        for axis in (0, 1):
            steps = np.abs(np.diff(np.concatenate([tile, tile.take([0], axis)], axis), axis=axis))
            seams.append(steps.take(-1, axis).mean())
            inside.append(steps.mean())
    assert np.mean(seams) < 1.25 * np.mean(inside)
