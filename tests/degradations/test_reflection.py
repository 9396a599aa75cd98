"""Reflection: a second scene in the two surfaces of a pane of glass."""

import hashlib
import json
from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from degradations.light import DECODE, decode, encode
from degradations.patterns.bank import PatternChoice
from degradations.patterns.painting import Canvas
from degradations.patterns.reflection import SCENES, make
from degradations.reflection import Reflection, ReflectionParams
from degradations.reflection.glass import GlassParams, through_glass
from degradations.reflection.mirrored import Framing
from degradations.reflection.pane import ghosts, reflectance, surfaces, visibility
from degradations.reflection.weights import WeightsError, layers, mixing_network, sha256_of
from degradations.rng import generator
from degradations.scene import Scene
from schemas.recipe.degradations import ReflectionModes, ReflectionSection
from tests.degradations.pictures import crops

REFLECTION = Reflection(ReflectionSection())
GLASS = ("focused", "defocused", "ghosting", "double_glazing")
WHOLE = Framing(zoom=1.0, top=0.0, left=0.0, flipped=False)


def pane(**changes):
    """A clear, even pane seen straight on, its mirrored scene sharp and dim."""
    values = {
        "mode": "focused",
        "exposure": 3.0,
        "incidence_deg": 0.0,
        "turn_deg": (0.0, 0.0),
        "shift_px": (0.0, 0.0),
        "panes_px": None,
        "radius_px": 0.0,
        "highlight_gain": 1.0,
        "tint": (1.0, 1.0, 1.0),
        "patchiness": 0.0,
        "patch_seed": 1,
    }
    return GlassParams.model_validate(values | changes)


def grey(height, width, code):
    return np.full((height, width, 3), code, np.uint8)


def lamp(side, top, left, size):
    """A white square on black."""
    out = grey(side, side, 0)
    out[top : top + size, left : left + size] = 255
    return out


def code_of(light):
    """The code whose linear light is nearest."""
    return int(np.argmin(np.abs(DECODE - light)))


def test_glass_mirrors_four_per_cent_straight_on_and_all_at_grazing_incidence():
    assert reflectance(0.0) == pytest.approx(((1.5 - 1) / (1.5 + 1)) ** 2)
    assert reflectance(89.9999) == pytest.approx(1.0, abs=1e-3)
    brewster = np.degrees(np.arctan(1.5))
    refracted = 90.0 - brewster
    half = 0.5 * (np.sin(np.radians(brewster - refracted)) / np.sin(np.radians(brewster + refracted))) ** 2
    assert reflectance(brewster) == pytest.approx(half)


@pytest.mark.parametrize("degrees", [0.0, 30.0, 65.0])
def test_ghosts_have_the_fresnel_ratio(degrees):
    rho = float(reflectance(degrees))
    (front, *_), (back, dy, dx) = surfaces(degrees, (5.0, -3.0), None)
    assert front == pytest.approx(rho)
    assert back / front == pytest.approx((1 - rho) ** 2)
    assert (dy, dx) == (5.0, -3.0)
    double = surfaces(degrees, (5.0, -3.0), (0.0, 20.0))
    assert [weight for weight, _, _ in double[2:]] == pytest.approx([0.85 * front, 0.85 * back])
    assert [place for _, *place in double[2:]] == [[0.0, 20.0], [5.0, 17.0]]


def test_a_lamp_shows_twice_in_the_picture_at_the_drawn_shift():
    params = pane(incidence_deg=50.0, shift_px=(4.0, 7.0), exposure=0.5)
    out = decode(through_glass(grey(64, 64, 90), params, lamp(64, 20, 30, 6)))[:, :, 0] - DECODE[90]
    front, back = out[20:26, 30:36], out[24:30, 37:43]
    assert front.min() > 0.01 and np.count_nonzero(out) == 2 * 36
    rho = float(reflectance(50.0))
    assert back.mean() / front.mean() == pytest.approx((1 - rho) ** 2, rel=0.03)


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_ghosts_keep_the_light(factor):
    taps = ghosts(surfaces(40.0, (3.3, -9.1), (12.7, 20.2)), factor)
    assert taps.weight.sum() == pytest.approx(1.0)
    assert len(taps.weight) % 4 == 0


def test_twice_the_light_gives_twice_the_light():
    mirrored = crops(2)[1][:64, :64]
    rng = np.random.default_rng(0)
    darker = rng.integers(60, 120, (64, 64, 3), dtype=np.uint8)
    brighter = np.array([code_of(2 * light) for light in DECODE[:256]], np.uint8)[darker]
    params = pane(shift_px=(0.0, 3.0), patchiness=0.3, turn_deg=(10.0, 5.0), incidence_deg=40.0)
    once, twice = (decode(through_glass(t, params, mirrored)) for t in (darker, brighter))
    np.testing.assert_allclose(twice, 2 * once, rtol=0.04, atol=0.004)


def test_the_tint_colours_the_light_behind_the_glass():
    params = pane(tint=(0.95, 1.0, 0.97))
    out = decode(through_glass(grey(32, 32, 200), params, grey(32, 32, 0)))
    np.testing.assert_allclose(out[5, 5], DECODE[200] * np.array([0.95, 1.0, 0.97]), rtol=0.01)


def test_mirrored_light_is_between_a_twentieth_and_all_of_the_light_behind_the_glass():
    for seed in range(40):
        severity = seed / 39
        transmitted, mirrored = np.full((96, 128, 3), 70, np.uint8), crops(1)[0][:96, :128]
        params = REFLECTION.draw(generator(seed), Scene(96, 128, partner=mirrored), severity).how
        params = params.model_copy(update={"tint": (1.0, 1.0, 1.0), "highlight_gain": 1.0})
        out = decode(through_glass(transmitted, params, mirrored))
        ratio = (out - DECODE[70]).mean() / DECODE[70]
        assert 0.045 <= ratio <= 1.05


def test_more_exposure_mirrors_more_light():
    light = [
        decode(through_glass(grey(40, 40, 80), pane(exposure=e), crops(1)[0][:40, :40])).mean() for e in (1, 2, 4, 8)
    ]
    assert (np.diff(light) > 0).all()
    assert light[1] - DECODE[80] == pytest.approx(2 * (light[0] - DECODE[80]), rel=0.03)


def test_lamps_out_of_focus_are_discs():
    params = pane(radius_px=12.0, exposure=0.5)
    out = decode(through_glass(grey(160, 160, 60), params, lamp(160, 76, 76, 8)))[:, :, 0] - DECODE[60]
    lit = out > 0.5 * out.max()
    assert np.sqrt(lit.sum() / np.pi) == pytest.approx(12.0, rel=0.1)
    assert [axis.mean() for axis in np.nonzero(lit)] == pytest.approx([79.5, 79.5], abs=0.5)


def test_visibility_has_mean_one_and_follows_fresnel():
    for seed in range(6):
        field = visibility(50.0, (20.0, 0.0), 0.5, seed)
        assert field.min() > 0
        assert field.mean() == pytest.approx(1.0, abs=1e-4)
    ramp = visibility(50.0, (20.0, 0.0), 0.0, 1)
    assert (np.diff(ramp[:, 0]) > 0).all()
    assert ramp[-1, 0] / ramp[0, 0] == pytest.approx(float(reflectance(59.84) / reflectance(40.16)), rel=0.01)


def test_the_picture_behind_the_glass_stays_where_it_is_to_the_pixel():
    clean, scene = crops(2)[1], Scene(192, 192, partner=grey(50, 50, 0))
    for seed in range(8):
        params = REFLECTION.draw(generator(seed), scene, seed / 7)
        tinted = decode(clean) * np.array(params.how.tint, np.float32)
        assert np.array_equal(REFLECTION.apply(clean, params, scene), encode(tinted))


def test_the_mirrored_scene_keeps_its_aspect():
    square = grey(200, 200, 0)
    cv2.circle(square, (100, 100), 20, (255, 255, 255), -1)
    part = Framing(zoom=1.0, top=0.5, left=0.5, flipped=False).cut(square, aspect=2.0)
    assert part.shape[:2] == (100, 200)
    rows, columns = np.flatnonzero(part.max(axis=(1, 2))), np.flatnonzero(part.max(axis=(0, 2)))
    assert np.ptp(rows) == np.ptp(columns) == 40
    assert np.array_equal(Framing(zoom=1.0, top=0.0, left=0.0, flipped=True).cut(square, 1.0), square[:, ::-1])


def test_modes_and_parameters_are_drawn_as_the_recipe_says():
    scene = Scene(1024, 2048, partner=grey(9, 9, 9))
    drawn = [REFLECTION.draw(generator(1, k), scene, (k + 0.5) / 2000).how for k in range(2000)]
    share = Counter(p.mode for p in drawn)
    for mode, weight in ReflectionModes().model_dump().items():
        assert abs(share[mode] / 2000 - weight) < 0.035
    assert abs(np.mean([p.radius_px == 0 for p in drawn]) - 0.3) < 0.035
    assert all(p.radius_px == 0 or 2 <= p.radius_px <= 12 for p in drawn)
    assert all(0.99 <= np.hypot(*p.shift_px) <= 14.01 for p in drawn)
    assert all((p.panes_px is not None) == (p.mode == "double_glazing") for p in drawn)
    assert all(p.panes_px is None or 5.99 <= np.hypot(*p.panes_px) <= 30.01 for p in drawn)
    angles = np.sort([p.incidence_deg for p in drawn])
    assert np.abs(angles / 65 - (np.arange(2000) + 0.5) / 2000).max() < 0.035
    exposures = np.sort(np.log([p.exposure for p in drawn]))
    uniform = (exposures - np.log(0.5)) / np.log(24)
    assert np.abs(uniform - (np.arange(2000) + 0.5) / 2000).max() < 0.035
    directions = np.arctan2(*np.array([p.shift_px for p in drawn]).T)
    assert np.abs(np.histogram(directions, 8, (-np.pi, np.pi))[0] / 250 - 1).max() < 0.25


def test_the_partner_is_mirrored_where_there_is_one_and_else_a_pattern():
    with_partner = REFLECTION.draw(generator(1), Scene(64, 64, partner=grey(8, 8, 8)), 0.5)
    assert with_partner.pattern is None
    assert REFLECTION.needs(with_partner) == {"partner"}
    alone = REFLECTION.draw(generator(1), Scene(64, 64), 0.5)
    assert isinstance(alone.pattern, PatternChoice)
    assert REFLECTION.needs(alone) == {"patterns.reflection"}
    with pytest.raises(ValueError, match="partner"):
        REFLECTION.apply(grey(64, 64, 90), with_partner, Scene(64, 64))


def test_severity_shows_more():
    clean, partners = crops(4), crops(5)[1:]
    differences = np.zeros(5)
    for number, (image, partner) in enumerate(zip(clean, partners, strict=True)):
        scene = Scene(192, 192, partner=partner)
        for step, severity in enumerate((0.0, 0.25, 0.5, 0.75, 1.0)):
            for k in range(5):
                out = REFLECTION.apply(image, REFLECTION.draw(generator(number, k), scene, severity), scene)
                differences[step] += np.abs(out.astype(int) - image).mean() / 20
    assert (np.diff(differences) > 2).all(), differences


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.floats(0, 1),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_a_trace_replays_to_the_bit(seed, severity, size, other):
    rng = np.random.default_rng(seed)
    image, partner = (rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in (size, other))
    before = image.copy()
    scene = Scene(*size, partner=partner)
    params = REFLECTION.draw(generator(seed), scene, severity)
    again = ReflectionParams.model_validate(json.loads(json.dumps(params.model_dump(mode="json"))))
    assert again == params
    out = REFLECTION.apply(image, params, scene)
    assert out.shape == image.shape and out.dtype == np.uint8
    assert np.array_equal(out, REFLECTION.apply(image, again, scene))
    assert np.array_equal(image, before)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (2000, 2), (33, 1025)])
@pytest.mark.parametrize("level", [0, 255])
def test_any_size_and_content(size, level):
    image = grey(*size, level)
    for k, partner in enumerate((grey(1, 1, 255), grey(700, 3, 0), crops(1)[0])):
        scene = Scene(*size, partner=partner)
        for mode in GLASS:
            only = Reflection(ReflectionSection(modes=ReflectionModes(**{m: float(m == mode) for m in GLASS})))
            out = only.apply(image, only.draw(generator(k, mode), scene, 0.9), scene)
            assert out.shape == image.shape and out.dtype == np.uint8


def weights_file(path, width=4):
    """A mixing network with small random weights."""
    rng = np.random.default_rng(0)
    tensors = {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in layers(width).items()}
    save_file(tensors, path)
    return str(path)


def test_the_learned_mode_mixes_by_the_network_and_records_its_weights(tmp_path):
    path = weights_file(tmp_path / "mixing.safetensors")
    learned = Reflection(
        ReflectionSection(modes=ReflectionModes(**dict.fromkeys(GLASS, 0.0), learned=1.0), weights=path)
    )
    image, scene = crops(2)[1], Scene(192, 192, partner=crops(1)[0])
    params = learned.draw(generator(3), scene, 0.7)
    assert params.how.sha256 == hashlib.sha256((tmp_path / "mixing.safetensors").read_bytes()).hexdigest()
    again = ReflectionParams.model_validate(json.loads(json.dumps(params.model_dump(mode="json"))))
    out = REFLECTION.apply(image, params, scene)
    assert np.array_equal(out, REFLECTION.apply(image, again, scene))
    assert not np.array_equal(out, image)
    same = Scene(192, 192, partner=image)
    whole = params.model_copy(update={"framing": WHOLE, "how": params.how.model_copy(update={"pane": pane()})})
    assert np.array_equal(REFLECTION.apply(image, whole, same), image)
    for size in ((1, 1), (1, 700), (333, 2)):
        assert REFLECTION.apply(grey(*size, 255), params, Scene(*size, partner=grey(5, 5, 0))).shape == (*size, 3)


def test_weights_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(ValueError, match="weights"):
        ReflectionSection(modes=ReflectionModes(learned=1.0))
    with pytest.raises(WeightsError, match=r"missing\.safetensors"):
        sha256_of(str(tmp_path / "missing.safetensors"))
    path = tmp_path / "other.safetensors"
    save_file({"first.bias": np.zeros(4, np.float32)}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(WeightsError, match=r"last\.bias"):
        mixing_network(str(path), digest)
    with pytest.raises(WeightsError, match="trace"):
        mixing_network(str(path), "0" * 64)
    path.write_bytes(b"not tensors")
    with pytest.raises(WeightsError, match="no safetensors"):
        mixing_network(str(path), hashlib.sha256(b"not tensors").hexdigest())


@pytest.mark.parametrize("scene", SCENES)
def test_painted_scenes_have_lights_and_shadows(scene):
    for seed in range(2):
        canvas = Canvas(generator(seed), 96)
        scene(canvas)
        picture = canvas.finish()
        assert picture.shape == (96, 96, 3)
        low, high = np.quantile(picture.max(axis=2), (0.05, 0.995))
        assert high - low > 60
        assert low < 130


def test_equal_generators_paint_equal_scenes():
    assert np.array_equal(make(generator(4), 80), make(generator(4), 80))
    assert not np.array_equal(make(generator(4), 80), make(generator(5), 80))
