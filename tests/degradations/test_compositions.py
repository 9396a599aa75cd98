"""What other work composes: AgenticIR's groups, DepictQA's taxonomy, FoundIR's combinations, UARE's high order."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest

from degradations.agenticir import AgenticIR
from degradations.chain import apply_chain, draw_chain
from degradations.classic import disc_kernel, motion_kernel
from degradations.depictqa import DepictQA
from degradations.depictqa.figures import CLASSES, FIGURES, FOLLOWERS
from degradations.depictqa.functions import FUNCTIONS
from degradations.depictqa.quantisation import otsu_thresholds
from degradations.hsv import with_saturation, with_value
from degradations.registry import CLASSES as DEGRADATIONS
from degradations.rng import generator
from degradations.scene import Scene
from schemas.errors import RecipeError
from schemas.recipe import parse_recipe
from schemas.recipe.compositions import composition, composition_names
from schemas.recipe.degradations import AgenticIRSection, DegradationsSection, DepictQAModes, DepictQASection
from tests.degradations.pictures import crops
from tests.degradations.test_contract import flat, picture, scene_of

AGENTIC, DEPICT = AgenticIR(AgenticIRSection()), DepictQA(DepictQASection())
SCENE = Scene(192, 192)


def agentic(mode: str, draws: int = 1500) -> list:
    degradation = AgenticIR(DegradationsSection().only("agenticir", mode).agenticir)
    out = []
    for seed in range(draws):
        rng = generator(seed, mode)
        out.append(degradation.draw(rng, SCENE, float(rng.random())).what)
    return out


# AgenticIR


def test_agenticirs_ranges():
    noise = [d.noise for d in agentic("noise")]
    gaussian = np.array([n.strength for n in noise if n.kind == "gaussian"])
    poisson = np.array([n.strength for n in noise if n.kind == "poisson"])
    assert len(gaussian) / len(noise) == pytest.approx(0.5, abs=0.05)
    assert (gaussian.min() >= 20, gaussian.max() <= 50, gaussian.mean()) == (True, True, pytest.approx(35, abs=1))
    assert (poisson.min() >= 1, poisson.max() <= 3, poisson.mean()) == (True, True, pytest.approx(2, abs=0.1))
    assert not any(n.grey for n in noise)
    assert {d.quality for d in agentic("jpeg")} == set(range(10, 30))
    dark = agentic("dark", 3000)
    assert {d.amount for d in dark if d.kind == "shift"} == set(range(30, 50))
    assert {d.amount for d in dark if d.kind == "maximum"} == set(range(100, 150))
    gammas = [d.amount for d in dark if d.kind == "gamma"]
    assert 0.5 <= min(gammas) < 0.52 < 0.68 < max(gammas) <= 0.7
    assert all(n / 3000 == pytest.approx(1 / 3, abs=0.04) for n in Counter(d.kind for d in dark).values())
    haze = agentic("haze")
    assert 0.7 <= min(d.airlight for d in haze) <= max(d.airlight for d in haze) <= 1.0
    assert 0.6 <= min(d.beta for d in haze) < 0.62 < 1.78 < max(d.beta for d in haze) <= 1.8
    motion = agentic("motion")
    kinds = Counter((d.radius, d.sigma) for d in motion)
    assert set(kinds) == {(10, 3.0), (15, 5.0), (15, 8.0)}
    assert all(n / 1500 == pytest.approx(1 / 3, abs=0.05) for n in kinds.values())
    assert -90 <= min(d.angle for d in motion) < -85 < 85 < max(d.angle for d in motion) <= 90
    assert {(d.radius, d.rim) for d in agentic("defocus")} == {(3, 0.1), (4, 0.5), (6, 0.5)}
    rain = agentic("rain")
    assert {d.length for d in rain} == set(range(20, 40))
    assert {d.angle for d in rain} == set(range(-30, 30))
    assert {d.density for d in rain} == set(range(50, 100))
    assert {d.factor for d in agentic("lr", 5)} == {4}


def test_agenticirs_groups_in_their_order():
    groups = {
        "agenticir-a": ["rain haze", "motion lr", "dark noise", "defocus jpeg", "noise jpeg", "rain lr", "motion dark",
                        "defocus haze"],
        "agenticir-b": ["motion jpeg", "haze noise", "defocus lr", "rain dark"],
        "agenticir-c": ["haze motion lr", "rain noise lr", "dark defocus jpeg", "motion defocus noise"],
    }  # fmt: skip
    for name, combinations in groups.items():
        chains = composition(name)
        assert [
            " ".join(mode for step in chain.steps for mode in step.modes) for chain in chains.values()
        ] == combinations
        assert list(chains) == [f"{name}-{combination.replace(' ', '-')}" for combination in combinations]
        assert {step.degradation for chain in chains.values() for step in chain.steps} == {"agenticir"}
        assert len({chain.weight for chain in chains.values()}) == 1


def test_dark_moves_hsv_value_alone():
    image = crops(1)[0]
    for dark in agentic("dark", 12):
        out = dark.apply(image, SCENE)
        before, after = (cv2.cvtColor(i.astype(np.float32) / 255, cv2.COLOR_RGB2HSV) for i in (image, out))
        value = np.rint(before[..., 2] * 255)
        if dark.kind == "shift":
            expected = np.maximum(value - dark.amount, 0)
        elif dark.kind == "gamma":
            expected = 255 * (value / 255) ** (1 / dark.amount)
        else:
            expected = (value - value.min()) / (value.max() - value.min()) * dark.amount
        np.testing.assert_allclose(after[..., 2] * 255, expected, atol=0.51)
        bright = (out.max(axis=2) > 40) & (before[..., 1] > 0.2)
        turn = np.abs((before[..., 0] - after[..., 0] + 180) % 360 - 180)
        assert np.quantile(turn[bright], 0.95) < 8


def test_haze_hides_the_far_and_keeps_the_near():
    image, scene = flat(120, 80, 20), scene_of(120, 80)
    out = agentic("haze", 1)[0].apply(image, scene).astype(int)
    rows = out[:, 40, 0]
    assert np.all(np.diff(rows) <= 0)
    assert rows[0] > rows[-1] + 20


def test_rain_is_added_and_its_brightest_streak_is_white():
    rain = agentic("rain", 1)[0]
    out = rain.apply(flat(192, 192, 0), SCENE)
    assert out.max() == 255
    assert np.all(out[..., 0] == out[..., 2])
    image = crops(1)[0]
    assert np.all(rain.apply(image, SCENE) >= image)


@pytest.mark.parametrize(
    "kernel", [motion_kernel(10, 3, 30), motion_kernel(20, 12, -80), disc_kernel(3, 0.1), disc_kernel(8)]
)
def test_classic_kernels_have_sum_one_and_their_centroid_at_the_centre(kernel):
    steps = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    assert kernel.sum() == pytest.approx(1)
    assert kernel.sum(axis=0) @ steps == pytest.approx(0, abs=1e-9)
    assert kernel.sum(axis=1) @ steps == pytest.approx(0, abs=1e-9)


# DepictQA

#: The specification's figures, levels 1-5.
SPECIFIED = {
    "blur_gaussian": [1, 2, 3, 4, 5],
    "blur_motion": [(5, 3), (10, 5), (15, 7), (15, 9), (20, 12)],
    "blur_glass": [(0.7, 1, 1), (0.9, 2, 1), (1.2, 2, 2), (1.4, 3, 2), (1.6, 4, 2)],
    "blur_lens": [2, 3, 4, 6, 8],
    "blur_zoom": [1.03, 1.06, 1.10, 1.15, 1.21],
    "blur_jitter": [1, 2, 3, 4, 5],
    "noise_gaussian_rgb": [0.05, 0.1, 0.15, 0.2, 0.25],
    "noise_gaussian_ycrcb": [(0.05, 1), (0.06, 1.45), (0.07, 1.9), (0.08, 2.35), (0.09, 2.8)],
    "noise_speckle": [0.14, 0.21, 0.28, 0.35, 0.42],
    "noise_spatially_correlated": [0.08, 0.11, 0.14, 0.18, 0.22],
    "noise_poisson": [80, 60, 40, 25, 15],
    "noise_impulse": [0.01, 0.03, 0.05, 0.07, 0.1],
    "compression_jpeg": [25, 18, 12, 8, 5],
    "compression_jpeg2000": [29, 27.5, 26, 24.5, 23],
    "brighten_shift_hsv": [0.1, 0.2, 0.3, 0.4, 0.5],
    "brighten_shift_rgb": [0.1, 0.15, 0.2, 0.27, 0.35],
    "brighten_gamma_hsv": [0.7, 0.58, 0.47, 0.36, 0.25],
    "brighten_gamma_rgb": [0.8, 0.7, 0.6, 0.45, 0.3],
    "darken_shift_hsv": [-0.1, -0.2, -0.3, -0.4, -0.5],
    "darken_shift_rgb": [-0.1, -0.15, -0.2, -0.27, -0.35],
    "darken_gamma_hsv": [1.5, 1.8, 2.2, 2.7, 3.5],
    "darken_gamma_rgb": [1.4, 1.7, 2.1, 2.6, 3.2],
    "contrast_strengthen_scale": [1.4, 1.7, 2.1, 2.6, 4],
    "contrast_strengthen_stretch": [2, 4, 6, 8, 10],
    "contrast_weaken_scale": [0.75, 0.6, 0.45, 0.3, 0.2],
    "contrast_weaken_stretch": [1, 0.9, 0.8, 0.6, 0.4],
    "saturate_strengthen_hsv": [3, 6, 12, 20, 64],
    "saturate_strengthen_ycrcb": [2, 3, 5, 8, 16],
    "saturate_weaken_hsv": [0.7, 0.55, 0.4, 0.2, 0],
    "saturate_weaken_ycrcb": [0.6, 0.4, 0.2, 0.1, 0],
    "oversharpen": [2, 2.8, 4, 6, 8],
    "pixelate": [0.5, 0.4, 0.3, 0.25, 0.2],
    "quantize_otsu": [15, 11, 8, 5, 3],
    "quantize_median": [20, 15, 10, 6, 3],
    "quantize_hist": [24, 16, 8, 6, 4],
}


def only(function: str) -> DepictQA:
    return DepictQA(DegradationsSection().only("depictqa", function).depictqa)


def test_thirty_five_functions_in_twelve_classes():
    assert len(FUNCTIONS) == 35
    assert len(CLASSES) == 12
    assert [function for functions in CLASSES.values() for function in functions] == list(FIGURES)
    assert list(DepictQAModes.model_fields) == list(FIGURES) == list(FUNCTIONS) == list(SPECIFIED)


@pytest.mark.parametrize("function", list(FUNCTIONS))
def test_a_level_is_a_fifth_of_severity_and_has_the_specified_figures(function):
    degradation = only(function)
    for level, figures in enumerate(SPECIFIED[function], start=1):
        for severity in ((level - 1) / 5, (level - 0.5) / 5, level / 5 - 1e-6):
            (one,) = degradation.draw(generator(1), SCENE, severity).distortions
            assert (one.level, one.function) == (level, function)
            assert one.figures == (tuple(figures) if isinstance(figures, tuple) else (figures,))
    assert degradation.draw(generator(1), SCENE, 1.0).distortions[0].level == 5


#: Their levels order another property than the distance: stretching changes the mean most, Otsu's steps their offset.
_NOT_BY_DISTANCE = {"quantize_hist", "quantize_otsu"}


@pytest.mark.parametrize("function", list(FUNCTIONS))
def test_every_function_changes_the_picture_more_at_a_higher_level(function):
    image = crops(1)[0]
    outs = [FUNCTIONS[function](image.copy(), figures, 30.0, 5) for figures in FIGURES[function]]
    errors = [np.abs(out.astype(float) - image).mean() for out in outs]
    assert all(out.shape == image.shape and out.dtype == np.uint8 for out in outs)
    assert errors[0] > 0.2
    if function not in _NOT_BY_DISTANCE:
        assert np.all(np.diff(errors) > 0)


def test_classes_are_equally_frequent_and_functions_within_them():
    names = Counter(DEPICT.draw(generator(seed), SCENE, 0.5).distortions[0].function for seed in range(6000))
    for functions in CLASSES.values():
        assert sum(names[function] for function in functions) / 6000 == pytest.approx(1 / 12, abs=0.015)
        for function in functions:
            assert names[function] / 6000 == pytest.approx(1 / 12 / len(functions), abs=0.015)


def test_two_distortions_are_of_compatible_classes_at_levels_one_to_three():
    two = DepictQA(DepictQASection(multiple=0.95))
    of = {function: name for name, functions in CLASSES.items() for function in functions}
    pairs, levels, doubles = Counter(), Counter(), 0
    for seed in range(6000):
        rng = generator(seed, "two")
        distortions = two.draw(rng, SCENE, float(rng.random())).distortions
        if len(distortions) == 2:
            first, second = (of[one.function] for one in distortions)
            assert second in FOLLOWERS[first]
            pairs[first, second] += 1
            levels.update(one.level for one in distortions)
            doubles += 1
    assert doubles / 6000 == pytest.approx(0.95, abs=0.01)
    assert len(pairs) == sum(map(len, FOLLOWERS.values()))
    assert max(pairs.values()) < 2.2 * doubles / len(pairs)
    assert {level: n / (2 * doubles) for level, n in levels.items()} == pytest.approx(
        dict.fromkeys((1, 2, 3), 1 / 3), abs=0.03
    )


def test_noises_have_their_standard_deviation():
    grey = flat(256, 256, 128)
    sigma = FUNCTIONS["noise_gaussian_rgb"](grey, (0.1,), 0, 1).astype(float).std()
    assert sigma == pytest.approx(25.5, rel=0.02)
    speckle = FUNCTIONS["noise_speckle"](grey, (0.14,), 0, 1).astype(float).std()
    assert speckle == pytest.approx(0.14 * 128, rel=0.02)
    box = FUNCTIONS["noise_spatially_correlated"](grey, (0.14,), 0, 1).astype(float).std()
    assert box == pytest.approx(0.14 * 255 / 3, rel=0.03)
    counts = FUNCTIONS["noise_poisson"](grey, (40,), 0, 1).astype(float).std()
    assert counts == pytest.approx(255 * np.sqrt(128 / 255 / 40), rel=0.02)
    struck = FUNCTIONS["noise_impulse"](grey, (0.05,), 0, 1)
    assert np.mean(struck != 128) == pytest.approx(0.05, abs=0.003)
    ycc = cv2.cvtColor(FUNCTIONS["noise_gaussian_ycrcb"](grey, (0.05, 1.45), 0, 1), cv2.COLOR_RGB2YCrCb).astype(float)
    assert ycc[..., 0].std() == pytest.approx(0.05 * 255, rel=0.05)
    assert ycc[..., 1].std() == pytest.approx(0.05 * 255 * 1.45, rel=0.05)


@pytest.mark.parametrize("decibels", [29, 26, 23])
def test_jpeg_2000_has_the_asked_signal_to_noise_ratio(decibels):
    image = crops(2)[1]
    out = FUNCTIONS["compression_jpeg2000"](image, (decibels,), 0, 0)
    error = np.mean((out.astype(float) - image) ** 2)
    assert 10 * np.log10(255**2 / error) == pytest.approx(decibels, abs=1.5)


def test_swapping_keeps_every_pixel():
    image = picture(40, 50, 2)
    out = FUNCTIONS["blur_jitter"](image.copy(), (3,), 0, 9)
    assert not np.array_equal(out, image)
    np.testing.assert_array_equal(np.sort(out.reshape(-1, 3), axis=0), np.sort(image.reshape(-1, 3), axis=0))


def test_hsv_by_definition():
    image = picture(30, 30, 5)
    np.testing.assert_array_equal(with_value(image, np.arange(256.0)), image)
    np.testing.assert_array_equal(with_saturation(image, 1.0), image)
    grey = with_saturation(image, 0.0)
    np.testing.assert_array_equal(grey, np.repeat(image.max(axis=2, keepdims=True), 3, axis=2))
    assert np.all(with_saturation(image, 64.0).min(axis=2)[np.ptp(image, axis=2) > 8] == 0)


def test_otsu_thresholds_are_the_best_of_all():
    from itertools import combinations

    rng = np.random.default_rng(0)
    histogram = np.zeros(256)
    histogram[40:200] = rng.random(160) * (rng.random(160) < 0.5)
    found = otsu_thresholds(histogram, 3)

    def between(thresholds):
        total = 0.0
        for part in np.split(np.arange(256), np.searchsorted(np.arange(256), thresholds)):
            if histogram[part].sum() > 0:
                total += (histogram[part] @ part) ** 2 / histogram[part].sum()
        return total

    occupied = np.flatnonzero(histogram)
    edges = np.linspace(occupied[0], occupied[-1], 31)[1:-1]
    best = max(between(np.array(pair)) for pair in combinations(edges, 2))
    assert between(found) >= 0.999 * best


# Data


def test_all_compositions_can_be_drawn_by_this_version():
    names = [name for name in composition_names() if _known(name)]
    section = parse_recipe({"degradations": {"compositions": names}}).degradations
    assert {"agenticir-a", "agenticir-b", "agenticir-c", "depictqa", "uare-high-order"} <= set(names)
    scene, image = scene_of(64, 80), picture(64, 80, 1)
    for name in section.all_chains():
        steps = draw_chain([name], section, scene, 0.5, 1, "key")
        assert apply_chain(image, steps, scene).shape == image.shape


def _known(name: str) -> bool:
    return all(step.degradation in DEGRADATIONS for chain in composition(name).values() for step in chain.steps)


def test_foundirs_counts():
    chains = composition("foundir")
    counts = {
        "blur": 150, "blur-noise": 50, "blur-jpeg": 50, "blur-noise-jpeg": 50, "noise": 100, "jpeg": 50,
        "noise-jpeg": 50, "haze": 200, "lowlight-haze": 100, "rain": 100, "raindrop": 100, "nightrain": 50,
        "rain-haze": 50, "lowlight": 50,
        "lowlight-blur": 100, "lowlight-noise": 50, "lowlight-jpeg": 50, "lowlight-blur-noise": 50,
        "lowlight-blur-jpeg": 50, "lowlight-noise-jpeg": 50,
    }  # fmt: skip
    assert sum(counts.values()) == 1500
    assert {name: chain.weight for name, chain in chains.items()} == pytest.approx(
        {f"foundir-{name}": count / 1500 for name, count in counts.items()}
    )


def test_foundirs_steps_follow_the_light():
    order = ["haze", "rain", "blur", "lowlight", "noise", "compression"]
    for chain in composition("foundir").values():
        places = [order.index(step.degradation) for step in chain.steps]
        assert places == sorted(places)


def test_uares_high_order_ends_at_a_quarter_of_the_size():
    for chain in composition("uare-high-order").values():
        assert chain.steps[0].degradation in ("realesrgan", "apisr")
        assert chain.steps[-1].modes == {"lr": 1}


def test_a_composition_is_weighed_as_a_whole():
    section = parse_recipe({"degradations": {"compositions": {"agenticir-a": 3, "depictqa": 0.5}}}).degradations
    weights = section.weights()
    assert sum(w for name, w in weights.items() if name.startswith("agenticir-a")) == pytest.approx(3)
    assert sum(w for name, w in weights.items() if name.startswith("depictqa")) == pytest.approx(0.5)


def test_an_unknown_composition_names_the_nearest():
    with pytest.raises(RecipeError, match=r"compositions.agentic-a: unknown composition; did you mean agenticir-a\?"):
        parse_recipe({"degradations": {"compositions": ["agentic-a"]}})
