"""Chains of a recipe: drawn in order with a generator a step, recorded, replayed without the recipe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degradations.chain import apply_chain, draw_chain, task_of
from schemas.errors import RecipeError
from schemas.recipe import parse_recipe
from schemas.recipe.chains import ChainStep, level_of, level_range
from schemas.recipe.degradations import DegradationsSection
from schemas.trace import Step
from tests.degradations.test_contract import picture, scene_of


def section(*steps: object, **fields: object) -> DegradationsSection:
    """A recipe's degradations with the one chain "mine"."""
    return parse_recipe({"degradations": {"chains": {"mine": {"steps": list(steps), **fields}}}}).degradations


def drawn(section: DegradationsSection, severity: float = 0.5, seed: int = 0) -> list[Step]:
    return draw_chain(["mine"], section, scene_of(64, 64), severity, seed, "key")


def test_steps_are_drawn_and_applied_from_left_to_right():
    blur, noise = (
        {"degradation": "depictqa", "modes": {"blur_lens": 1}},
        {"degradation": "noise", "modes": {"bsrgan": 1}},
    )
    blur_then_noise, noise_then_blur = section(blur, noise), section(noise, blur)
    assert [step.degradation for step in drawn(blur_then_noise)] == ["depictqa", "noise"]
    assert [step.degradation for step in drawn(noise_then_blur)] == ["noise", "depictqa"]
    image, scene = picture(64, 64, 1), scene_of(64, 64)
    steps = drawn(blur_then_noise)
    by_hand = image
    for step in steps:
        by_hand = apply_chain(by_hand, [step], scene)
    np.testing.assert_array_equal(apply_chain(image, steps, scene), by_hand)
    assert not np.array_equal(apply_chain(image, steps[::-1], scene), by_hand)


def test_each_step_has_a_generator_of_its_own():
    after_blur, after_haze = section("blur", "noise"), section("haze", "noise")
    assert drawn(after_blur)[1] == drawn(after_haze)[1]
    assert drawn(section("noise", "noise"))[0].params != drawn(section("noise", "noise"))[1].params


def test_a_single_degradation_is_a_chain_of_one_step():
    chained = draw_chain(["mine"], section("noise"), scene_of(9, 9), 0.4, 3, "key")
    assert chained == draw_chain(["noise"], DegradationsSection(), scene_of(9, 9), 0.4, 3, "key")


def test_a_steps_modes_are_the_only_ones():
    one = section({"degradation": "noise", "modes": {"impulse": 1}})
    assert {drawn(one, seed=seed)[0].params["model"]["mode"] for seed in range(20)} == {"impulse"}
    two = section({"degradation": "noise", "modes": {"impulse": 1, "bsrgan": 3}})
    modes = [drawn(two, seed=seed)[0].params["model"]["mode"] for seed in range(400)]
    assert modes.count("bsrgan") / 400 == pytest.approx(0.75, abs=0.07)
    assert set(modes) == {"impulse", "bsrgan"}


def test_a_steps_fields_replace_those_of_the_section():
    both = section({"degradation": "depictqa", "section": {"multiple": 1}})
    assert len(drawn(both)[0].params["distortions"]) == 2
    assert len(draw_chain(["depictqa"], both, scene_of(9, 9), 0.5, 0, "key")[0].params["distortions"]) == 1


@given(severity=st.floats(0, 1), ends=st.tuples(st.floats(0, 1), st.floats(0, 1)))
@settings(max_examples=30, deadline=None)
def test_severity_is_moved_into_the_range_of_the_step(severity, ends):
    low, high = sorted(ends)
    step = ChainStep(degradation="noise", severity=(low, high))
    assert step.at(severity) == pytest.approx(low + severity * (high - low))
    assert 0.0 <= step.at(severity) <= 1.0
    assert ChainStep(degradation="noise").at(severity) == severity


@given(level=st.integers(1, 5), severity=st.floats(0, 1))
def test_a_level_is_a_fifth_of_severity(level, severity):
    assert level_of(ChainStep(degradation="noise", level=level).at(severity)) == level
    low, high = level_range(level)
    assert (low, high) == pytest.approx(((level - 1) / 5, level / 5), abs=1e-5)


def test_the_steps_severity_is_in_the_trace():
    steps = drawn(section({"degradation": "noise", "severity": [0.2, 0.4]}, {"degradation": "blur", "level": 5}), 0.5)
    assert [step.severity for step in steps] == pytest.approx([0.3, 0.9], abs=1e-5)


def test_a_step_occurs_with_its_probability_and_changes_nothing_for_the_others():
    sometimes = section({"degradation": "haze", "probability": 0.3}, "noise")
    always = section("haze", "noise")
    count = 0
    for seed in range(500):
        steps, full = drawn(sometimes, seed=seed), drawn(always, seed=seed)
        assert steps[-1] == full[-1]
        count += len(steps) == 2
    assert count / 500 == pytest.approx(0.3, abs=0.06)


def test_a_chain_never_does_nothing():
    rare = section({"degradation": "noise", "probability": 0.03}, {"degradation": "blur", "probability": 0.01})
    chains = [drawn(rare, seed=seed) for seed in range(300)]
    assert min(map(len, chains)) == 1
    names = [steps[0].degradation for steps in chains]
    assert names.count("noise") / len(names) == pytest.approx(0.75, abs=0.09)


def test_a_chains_task():
    assert task_of("mine", section("haze")) == "haze"
    assert task_of("mine", section("haze", "noise")) == "mixed"
    assert task_of("mine", section("haze", "noise", task="haze")) == "haze"
    assert task_of("blur", DegradationsSection()) == "blur"


def test_chains_are_weighed_beside_degradations():
    weights = section("haze", weight=2.5).weights()
    assert weights["mine"] == 2.5
    assert weights["noise"] == 1.0
    assert "mine" not in section("haze", weight=0).weights()


MANY = {
    "steps": [
        {"degradation": "haze", "level": 2},
        {"degradation": "blur", "modes": {"camera_shake": 1}},
        "web_style",
        {"degradation": "noise", "probability": 0.7},
        {"degradation": "apisr", "modes": {"mpeg2": 1, "h264": 1}},
        {"degradation": "agenticir", "modes": {"rain": 1, "lr": 1}},
        {"degradation": "albumentations", "section": {"transform": "GlassBlur", "arguments": {}}},
    ]
}
_REPLAY = """
import hashlib, sys
from degradations.chain import apply_chain
from schemas.trace import Trace
from tests.degradations.test_contract import picture, scene_of
trace = Trace.model_validate_json(sys.stdin.read())
out = apply_chain(picture(90, 121, 4), trace.steps, scene_of(90, 121))
print(hashlib.sha256(out.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_a_trace_replays_in_another_process_without_the_recipe():
    import hashlib

    from schemas.trace import Trace

    many = parse_recipe({"degradations": {"chains": {"mine": MANY}}}).degradations
    steps = draw_chain(["mine"], many, scene_of(90, 121), 0.6, 5, "key")
    trace = Trace(sample_key="key", source_sha256="", recipe_fingerprint="", code_version="", steps=steps)
    here = hashlib.sha256(apply_chain(picture(90, 121, 4), steps, scene_of(90, 121)).tobytes()).hexdigest()
    done = subprocess.run(
        [sys.executable, "-c", _REPLAY],
        input=trace.to_json(),
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == here


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ({"steps": ["blurr"]}, "mine.steps.0.degradation: unknown degradation; did you mean blur? (got 'blurr')"),
        ({"steps": ["noise", {"degradation": "noise", "modes": {"raw_ips": 1}}]},
         "chains.mine.steps.1.modes.raw_ips: unknown mode; did you mean raw_isp?"),
        ({"steps": [{"degradation": "noise", "modes": {"impulse": 0}}]}, "steps.0.modes: all modes are switched off"),
        ({"steps": [{"degradation": "realesrgan", "modes": {"a": 1}}]}, "steps.0.modes: realesrgan has no modes"),
        ({"steps": [{"degradation": "depictqa", "section": {"multipel": 1}}]},
         "steps.0.section.multipel: unknown field; did you mean multiple?"),
        ({"steps": [{"degradation": "depictqa", "section": {"multiple": 3}}]},
         "steps.0.section.multiple: Input should be less than or equal to 1 (got 3)"),
        ({"steps": [{"degradation": "noise", "section": {"modes": {}}}]}, "its modes go into `modes`"),
        ({"steps": []}, "chains.mine: the chain has no steps"),
        ({"steps": [{"degradation": "noise", "level": 6}]}, "level: Input should be less than or equal to 5"),
        ({"steps": [{"degradation": "noise", "level": 1, "severity": [0, 1]}]}, "both severity"),
        ({"steps": [{"degradation": "noise", "severity": [1, 0]}]}, "severity 1.0 is above 0.0; swap them"),
        ({"steps": [{"degradation": "noise", "probability": 0}]}, "probability: Input should be greater than 0"),
        ({"steps": ["noise"], "task": "denoise"}, "unknown task 'denoise'; known: blur"),
        ({"steps": [{"degradation": "noise", "levle": 1}]}, "steps.0.levle: unknown field; did you mean level?"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_chain_names_field_value_and_remedy(chain, message):
    with pytest.raises(RecipeError) as error:
        parse_recipe({"degradations": {"chains": {"mine": chain}}})
    assert message in str(error.value)


@pytest.mark.parametrize(("name", "message"), [("noise", "'noise' has the name of"), ("a.b", "String should match")])
def test_a_chains_name_is_its_own_and_fits_a_sample_key(name, message):
    with pytest.raises(RecipeError, match=message):
        parse_recipe({"degradations": {"chains": {name: {"steps": ["blur"]}}}})


def test_chains_change_the_fingerprint():
    plain, chained = parse_recipe({}), parse_recipe({"degradations": {"chains": {"a": {"steps": ["noise"]}}}})
    assert plain.fingerprint() != chained.fingerprint()
