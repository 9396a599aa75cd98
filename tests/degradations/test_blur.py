"""Blur: shake, trajectories, defocus, software."""

import json
import subprocess
import sys
from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degradations.blur import Blur, BlurParams
from degradations.blur.aperture import aperture
from degradations.blur.camera_shake import displacements, draw_camera_shake, extent, shake_taps
from degradations.blur.defocus import DefocusParams, draw_defocus
from degradations.blur.highlights import decode_lifted, lift_table
from degradations.blur.taps import convolve, convolve_image, dense, splat
from degradations.blur.trajectory import draw_trajectory, path, trajectory_taps
from degradations.blur.web import GaussianParams, SincParams, WebParams, ZoomParams, draw_web, sinc_kernel, web
from degradations.cues.depth import estimate_depth
from degradations.cues.masks import segment
from degradations.light import decode, encode
from degradations.rng import generator
from degradations.scene import DepthCue, Scene
from schemas.recipe.degradations import BlurModes, BlurSection

MODES = ("camera_shake", "trajectory", "defocus", "web")
FULL = Scene(1024, 1024)


class WithoutGrain(Blur):
    """Blur alone, without the sensor's noise on top."""

    def draw(self, rng, scene, severity):
        return super().draw(rng, scene, severity).model_copy(update={"grain": None})


def only(mode):
    return WithoutGrain(BlurSection(modes=BlurModes(**{name: float(name == mode) for name in BlurModes.model_fields})))


def centroids(taps):
    """(y, x) of each tile's point-spread function, and its sum."""
    parts = [slice(a, b) for a, b in zip(taps.start[:-1], taps.start[1:], strict=True)]
    weight = taps.weight.astype(np.float64)
    return np.array([[(weight[p] * taps.dy[p]).sum(), (weight[p] * taps.dx[p]).sum(), weight[p].sum()] for p in parts])


def depth_of(disparity):
    disparity = np.asarray(disparity, np.float32)
    return DepthCue(disparity, np.zeros_like(disparity), "test", "0")


# Alignment


@pytest.mark.parametrize("q", [0.0, 0.5, 1.0])
def test_point_spread_functions_are_centred_and_keep_the_light(q):
    for seed in range(12):
        shake = shake_taps(draw_camera_shake(generator(seed), FULL, q), 600, 800)
        walk = trajectory_taps(draw_trajectory(generator(seed), FULL, q))
        for taps in (shake, walk):
            y, x, total = centroids(taps).T
            assert np.abs(y).max() < 1e-4 and np.abs(x).max() < 1e-4
            np.testing.assert_allclose(total, 1.0, atol=1e-5)
            assert taps.weight.min() >= 0


@pytest.mark.parametrize("blades", [0, 5, 6, 7, 8, 9])
@pytest.mark.parametrize("radius", [0.6, 2.3, 9.7])
def test_apertures_are_centred_and_keep_the_light(blades, radius):
    kernel = aperture(radius, blades, rotation=0.4, ring=0.5).astype(np.float64)
    axis = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    assert abs(kernel.sum() - 1) < 1e-5
    assert abs((kernel * axis[:, None]).sum()) < 0.03 and abs((kernel * axis[None]).sum()) < 0.03


@pytest.mark.parametrize("mode", MODES)
def test_a_symmetric_bright_dot_stays_where_it_is(mode):
    image = np.full((301, 301, 3), 8, np.uint8)
    image[145:156, 145:156] = 230
    scene = Scene(301, 301, depth_of(np.full((20, 20), 0.5)))
    blur = only(mode)
    rows = np.arange(301) - 150
    for seed in range(8):
        params = blur.draw(generator(seed, mode), scene, 0.6)
        light = decode(blur.apply(image, params, scene))[..., 1].astype(np.float64) - decode(image[0, 0])[1]
        total = light.sum()
        assert abs((light * rows[:, None]).sum() / total) < 0.1, params
        assert abs((light * rows[None]).sum() / total) < 0.1, params


# Light


def test_twice_the_light_gives_twice_the_light():
    light = np.random.default_rng(0).random((50, 60, 3), dtype=np.float32)
    taps = trajectory_taps(draw_trajectory(generator(3), FULL, 0.6))
    np.testing.assert_allclose(convolve(2 * light, taps), 2 * convolve(light, taps), rtol=1e-6)
    for how in (GaussianParams(sigma=2.0), SincParams(cutoff=1.5), ZoomParams(magnification=1.1, centre=(0.5, 0.5))):
        params = WebParams(filter=how)
        np.testing.assert_allclose(web(2 * light, params), 2 * web(light, params), rtol=1e-4, atol=1e-5)


def test_the_pass_over_bands_equals_the_plain_convolution():
    image = np.random.default_rng(0).integers(0, 256, (150, 70, 3), dtype=np.uint8)
    for taps in (
        shake_taps(draw_camera_shake(generator(3), FULL, 0.7), 150, 70),
        trajectory_taps(draw_trajectory(generator(3), FULL, 0.9)),
    ):
        for gain in (1.0, 6.0):
            expected = encode(convolve(decode_lifted(image, gain), taps))
            assert np.array_equal(convolve_image(image, taps, gain), expected)


def test_taps_are_a_convolution_with_mirrored_borders():
    kernel = np.random.default_rng(1).random((5, 7)).astype(np.float32)
    light = np.random.default_rng(2).random((20, 24, 3), dtype=np.float32)
    expected = cv2.filter2D(light, -1, kernel[::-1, ::-1], borderType=cv2.BORDER_REFLECT_101)
    np.testing.assert_allclose(convolve(light, dense(kernel)), expected, rtol=1e-5)


def test_highlights_are_lifted_and_nothing_else():
    table = lift_table(5.0)
    assert table[255] == 5.0
    assert (table[decode(np.arange(256, dtype=np.uint8)) < 0.85] == 1.0).all()
    assert (np.diff(table) >= 0).all()
    image = np.array([[[255, 10, 0], [200, 200, 200]]], np.uint8)
    np.testing.assert_allclose(decode_lifted(image, 5.0)[0, 0], 5 * decode(image)[0, 0])
    np.testing.assert_array_equal(decode_lifted(image, 5.0)[0, 1], decode(image)[0, 1])


def test_a_lifted_lamp_leaves_a_brighter_trail():
    image = np.full((60, 200, 3), 10, np.uint8)
    image[28:32, 98:102] = 255
    params = only("trajectory").draw(generator(1), FULL, 0.7)
    plain, lifted = (
        only("trajectory").apply(image, params.model_copy(update={"highlight_gain": gain}), FULL)
        for gain in (1.0, 10.0)
    )
    assert lifted.astype(int).sum() > plain.astype(int).sum() * 1.1


# Camera shake and trajectories


def test_rotations_move_points_as_a_pinhole_camera_sees_them():
    yaw = displacements(np.array([[0.01, 0, 0]]), np.array([[0.0, 0.0]]), 1000.0)
    np.testing.assert_allclose(yaw[0, 0], [0.0, 1000 * np.tan(0.01)], atol=1e-9)
    roll = displacements(np.array([[0, 0, 0.02]]), np.array([[0.0, 300.0]]), 1000.0)
    np.testing.assert_allclose(roll[0, 0], [300 * np.sin(0.02), 300 * np.cos(0.02) - 300], atol=1e-9)


def test_the_corner_travels_as_far_as_was_drawn():
    for seed in range(10):
        params = draw_camera_shake(generator(seed), FULL, 0.5)
        taps = shake_taps(params, 1024, 1024)
        assert extent(np.stack([taps.dy, taps.dx], axis=-1)[None].astype(float)) <= params.corner_px + 3
        assert taps.reach >= params.corner_px / 2 - taps.tile * 0.05 - 1


def test_strengths_keep_to_their_ranges_and_scale_with_the_short_side():
    half = Scene(512, 900)
    for scene in (FULL, half):
        for q in (0.0, 0.3, 1.0):
            rng = generator(1, q)
            assert 4 * scene.scale <= draw_camera_shake(rng, scene, q).corner_px <= 60.01 * scene.scale
            assert 2.5 * scene.scale <= draw_trajectory(rng, scene, q).extent_px <= 45.01 * scene.scale
            assert 3 * scene.scale <= draw_defocus(rng, scene, q).radius_px <= 40.01 * scene.scale


def test_a_trajectory_has_the_extent_that_was_drawn_and_a_constant_speed():
    for seed in range(10):
        params = draw_trajectory(generator(seed), FULL, 0.8)
        points = path(params)
        np.testing.assert_allclose(np.ptp(points, axis=0).max(), params.extent_px, rtol=1e-6)
        speed = np.linalg.norm(np.diff(points, axis=0), axis=1)
        np.testing.assert_allclose(speed, speed[0], rtol=1e-6)


def test_splatting_is_bilinear():
    taps = splat(np.array([[[-1.0, -0.25], [1.0, 0.25]]]), np.ones(2), columns=1, tile=8)
    found = {(int(y), int(x)): float(w) for y, x, w in zip(taps.dy, taps.dx, taps.weight, strict=True) if w > 0}
    assert found == {(-1, -1): 0.125, (-1, 0): 0.375, (1, 0): 0.375, (1, 1): 0.125}


# Defocus


def test_in_focus_is_sharp_and_out_of_focus_is_not():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    disparity = np.zeros((120, 160))
    disparity[:, 80:] = 1.0
    params = BlurParams(highlight_gain=1.0, how=DefocusParams(radius_px=12, focus=1.0, blades=0, rotation=0, ring=0))
    out = only("defocus").apply(image, params, Scene(120, 160, depth_of(disparity)))
    assert np.abs(out[:, 90:].astype(int) - image[:, 90:]).max() <= 1
    assert out[:, :65].std() < 0.35 * image[:, :65].std()


def test_a_sharp_thing_does_not_leak_into_the_blur_behind_it():
    image = np.full((120, 160, 3), 30, np.uint8)
    image[:, 80:] = 250
    disparity = np.zeros((120, 160))
    disparity[:, 80:] = 1.0
    how = DefocusParams(radius_px=14, focus=1.0, blades=0, rotation=0, ring=0)
    params = BlurParams(highlight_gain=1.0, how=how)
    out = only("defocus").apply(image, params, Scene(120, 160, depth_of(disparity)))
    everywhere = convolve_image(image, dense(aperture(14, 0, 0, 0)), 1.0)
    leaked, spread = (decode(picture[:, :76]) - decode(image[:, :76]) for picture in (out, everywhere))
    assert leaked.sum() < 0.2 * spread.sum()
    assert out[:, 84:].min() >= 245


def test_flat_pictures_stay_flat_at_every_focus():
    image = np.full((61, 83, 3), 140, np.uint8)
    scene = Scene(61, 83, depth_of(np.random.default_rng(0).random((61, 83))))
    for seed in range(20):
        params = only("defocus").draw(generator(seed), FULL, seed / 19).model_copy(update={"highlight_gain": 1.0})
        assert np.abs(only("defocus").apply(image, params, scene).astype(int) - 140).max() <= 1


def test_defocus_asks_for_depth():
    params = only("defocus").draw(generator(1), FULL, 0.5)
    assert only("defocus").needs(params) == {"depth"}
    assert only("web").needs(only("web").draw(generator(1), FULL, 0.5)) == frozenset()
    with pytest.raises(ValueError, match="depth"):
        only("defocus").apply(np.zeros((4, 4, 3), np.uint8), params, Scene(4, 4))


# Software


def test_the_sinc_is_a_low_pass():
    kernel = sinc_kernel(np.pi / 3, 10)
    assert abs(kernel.sum() - 1) < 1e-5
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-7)
    response = np.abs(np.fft.fft2(kernel, (64, 64)))
    assert response[0, 4] > 0.9 and response[0, 20] < 0.1


def test_zoom_blurs_away_from_its_centre():
    image = np.random.default_rng(0).integers(0, 256, (201, 201, 3), dtype=np.uint8)
    params = WebParams(filter=ZoomParams(magnification=1.15, centre=(0.5, 0.5)))
    out = only("web").apply(image, BlurParams(highlight_gain=1.0, how=params), FULL)
    assert out[98:103, 98:103].std() > 1.8 * out[:20, :20].std()


# The contract


def test_modes_are_drawn_as_the_recipe_says():
    blur = Blur(BlurSection())
    drawn = [blur.draw(generator(1, k), FULL, 0.5) for k in range(2000)]
    weights = BlurModes().model_dump(exclude={"video"})
    share = Counter(p.how.mode for p in drawn)
    for mode, weight in weights.items():
        assert abs(share[mode] / 2000 - weight / sum(weights.values())) < 0.035
    lens = [p for p in drawn if p.how.mode != "web"]
    assert abs(np.mean([p.grain is not None for p in lens]) - 0.5) < 0.05
    assert all(p.grain is None for p in drawn if p.how.mode == "web")
    assert abs(np.mean([p.highlight_gain > 1 for p in lens]) - 0.5) < 0.05
    assert all(1 <= p.highlight_gain <= 12 for p in lens)
    kinds = Counter(draw_web(generator(k), FULL, 0.5).filter.kind for k in range(800))
    assert abs(kinds["gaussian"] / 800 - 0.5) < 0.06 and kinds["sinc"] > 140 and kinds["zoom"] > 140


@pytest.mark.parametrize("mode", MODES)
def test_severity_blurs_more(mode, photo_paths):
    blur = only(mode)
    differences = np.zeros(4)
    for number, file in enumerate(photo_paths[:4]):
        image = cv2.imread(str(file))[:320, :400, ::-1].copy()
        scene = Scene(*image.shape[:2], estimate_depth(image))
        for step, severity in enumerate((0.05, 0.35, 0.65, 0.95)):
            for k in range(4):
                params = blur.draw(generator(number, k), scene, severity).model_copy(update={"highlight_gain": 1.0})
                differences[step] += np.abs(blur.apply(image, params, scene).astype(int) - image).mean() / 16
    assert (np.diff(differences) > 0.5).all(), differences


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 3000), (31, 33)])
def test_any_size_and_content(mode, shape):
    blur, scene = only(mode), Scene(*shape, depth_of(np.linspace(0, 1, shape[0] * shape[1]).reshape(shape)))
    for level in (0, 128, 255):
        image = np.full((*shape, 3), level, np.uint8)
        for severity in (0.0, 1.0):
            out = blur.apply(image, blur.draw(generator(level), scene, severity), scene)
            assert out.shape == image.shape and out.dtype == np.uint8
            assert np.abs(out.astype(int) - level).max() <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 1), st.integers(1, 40), st.integers(1, 40))
def test_a_trace_replays_to_the_bit(seed, severity, height, width):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    before = image.copy()
    scene = Scene(height, width, estimate_depth(image), segment(image))
    blur = Blur(BlurSection())
    params = blur.draw(generator(seed), scene, severity)
    again = BlurParams.model_validate(json.loads(json.dumps(params.model_dump(mode="json"))))
    assert again == params
    assert np.array_equal(blur.apply(image, params, scene), blur.apply(image, again, scene))
    assert np.array_equal(image, before)


def test_equal_to_the_bit_in_another_process_and_with_other_threads(tmp_path, photo_paths):
    np.save(tmp_path / "image.npy", cv2.imread(str(photo_paths[0])))
    code = (
        "import sys, cv2, numpy as np\n"
        "from degradations.blur import Blur\n"
        "from degradations.cues.depth import estimate_depth\n"
        "from degradations.cues.masks import segment\n"
        "from degradations.rng import generator\n"
        "from degradations.scene import Scene\n"
        "from schemas.recipe.degradations import BlurSection\n"
        "cv2.setNumThreads(int(sys.argv[2]))\n"
        "image = np.load(sys.argv[1] + '/image.npy')\n"
        "scene = Scene(*image.shape[:2], estimate_depth(image), segment(image))\n"
        "blur = Blur(BlurSection())\n"
        "params = [blur.draw(generator(k), scene, .6) for k in range(24)]\n"
        "assert {p.how.mode for p in params} == {'camera_shake', 'trajectory', 'object_motion', 'defocus', 'web'}\n"
        "np.save(sys.argv[1] + f'/{sys.argv[2]}.npy', np.stack([blur.apply(image, p, scene) for p in params]))\n"
    )
    for threads in ("1", "4"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path), threads], check=True)
    assert np.array_equal(np.load(tmp_path / "1.npy"), np.load(tmp_path / "4.npy"))
