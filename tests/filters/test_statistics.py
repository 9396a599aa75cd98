"""Statistics per degradation, and the semantics that need no weights."""

from __future__ import annotations

import json
import warnings
from statistics import NormalDist

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degradations.chain import apply_chain, draw_chain, needed_cues
from filters.decoding import decode
from filters.statistics.calibrated import SHARES, calibration, evaluate, read, semantics, version
from filters.statistics.features import statistics
from filters.statistics.semantics_filter import StatisticalSemantics
from pipeline.scenes import bare_scene, with_cues
from schemas.recipe.degradations import DegradationsSection
from schemas.recipe.filters import PROMPTS

DEGRADATIONS = [name for name in PROMPTS if name != "clean"]
#: Degradation → the statistic that tells it best, and whether it rises (1) or falls (-1). A second layer has none of
#: its own: haze or darkness moves each of them more, and only the model tells it.
TELLING = {
    "blur": ("blur.reblur", 1),
    "noise": ("noise.flat", 1),
    "compression": ("compression.dead", 1),
    "haze": ("haze.black", 1),
    "lowlight": ("lowlight.median", -1),
    "moire": ("moire.peak", 1),
    "flare": ("flare.round_dark", 1),
    "rain": ("rain.upright_fine", 1),
}
SECTION = DegradationsSection()


def degraded(clean, name, severity, number):
    steps = draw_chain([name], SECTION, bare_scene(clean), severity, 0, str(number))
    return apply_chain(clean, steps, with_cues(bare_scene(clean), clean, needed_cues(steps)))


@pytest.fixture(scope="module")
def photographs(photo_paths):
    """Six colour photographs, long side 400."""
    chosen = [decode(path.read_bytes(), 10**7).pixels for path in photo_paths if path.stem != "camera"][:6]
    out = []
    for pixels in chosen:
        factor = 400 / max(pixels.shape[:2])
        out.append(np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8))
    return out


@pytest.fixture(scope="module")
def measured(photographs):
    """Statistics by (degradation, severity) of every photograph; ("clean", 0) of the clean ones."""
    found = {("clean", 0.0): [statistics(clean) for clean in photographs]}
    for name in DEGRADATIONS:
        for severity in (0.3, 0.95):
            found[name, severity] = [
                statistics(degraded(clean, name, severity, number)) for number, clean in enumerate(photographs)
            ]
    return found


def effect(measured, name, degradation, severity):
    """Median change of a statistic by a degradation, in quartile distances of the pictures of the calibration."""
    model = calibration()
    low, high = np.interp((0.25, 0.75), SHARES, model.quantiles[model.names.index(f"statistics.{name}")])
    changes = [
        after[f"statistics.{name}"] - before[f"statistics.{name}"]
        for before, after in zip(measured["clean", 0.0], measured[degradation, severity], strict=True)
    ]
    return float(np.nanmedian(changes)) / (high - low)


@pytest.mark.parametrize("degradation", TELLING)
def test_a_statistic_moves_with_the_severity_of_its_degradation(degradation, measured):
    name, sign = TELLING[degradation]
    mild, severe = (sign * effect(measured, name, degradation, severity) for severity in (0.3, 0.95))
    assert severe > max(mild, 0.15)


@pytest.mark.parametrize("degradation", TELLING)
def test_and_less_with_that_of_most_others(degradation, measured):
    name, sign = TELLING[degradation]
    own = sign * effect(measured, name, degradation, 0.95)
    others = [sign * effect(measured, name, other, 0.95) for other in DEGRADATIONS if other != degradation]
    assert np.median(others) < 0.5 * own
    assert sum(other >= own for other in others) <= 1


@pytest.mark.parametrize("degradation", DEGRADATIONS)
def test_the_probability_of_a_degradation_rises_when_it_is_there(degradation, measured):
    clean, severe = (
        np.mean([semantics(scores)[f"semantics.{degradation}"] for scores in measured[key]])
        for key in (("clean", 0.0), (degradation, 0.95))
    )
    assert severe > clean + 0.1


def test_expected_severity_rises_with_severity(measured):
    for degradation in DEGRADATIONS:
        mild, severe = (
            np.median([semantics(scores)[f"severity.{degradation}"] for scores in measured[degradation, severity]])
            for severity in (0.3, 0.95)
        )
        assert severe > mild + 0.05, degradation


def test_severe_degradations_are_named(measured):
    """Of photographs that the calibration never saw, well more than by chance (one in ten)."""
    named = [
        max(PROMPTS, key=lambda label: semantics(scores)[f"semantics.{label}"]) == degradation
        for degradation in DEGRADATIONS
        for scores in measured[degradation, 0.95]
    ]
    assert np.mean(named) > 0.6


def check_probabilities(scores):
    probabilities = [scores[f"semantics.{label}"] for label in PROMPTS]
    assert all(0 <= p <= 1 for p in probabilities)
    assert sum(probabilities) == pytest.approx(1, abs=1e-9)
    assert all(0 <= scores[f"severity.{name}"] <= 1 for name in DEGRADATIONS)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    kind=st.sampled_from(["constant", "noise", "ramp"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_picture_has_scores_without_a_warning(height, width, kind, seed):
    rng = np.random.default_rng(seed)
    if kind == "constant":
        pixels = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    elif kind == "noise":
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    else:
        pixels = np.repeat(np.linspace(0, 255, height * width).astype(np.uint8).reshape(height, width, 1), 3, axis=2)
    check_all(pixels)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 2), (7, 700), (143, 146), (480, 33)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_extreme_sizes_and_levels(size, level):
    check_all(np.full((*size, 3), level, np.uint8))


def check_all(pixels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measured = statistics(pixels)
        scores = semantics(measured)
    assert set(measured) == set(calibration().names)
    assert all(isinstance(value, float) and not np.isinf(value) for value in measured.values())
    check_probabilities(scores)


def test_what_is_missing_counts_as_usual():
    check_probabilities(semantics({}))
    assert semantics({}) == semantics(dict.fromkeys(calibration().names, float("nan")))


def test_scores_depend_on_the_picture_alone(photographs):
    """Not on its memory order, on threads, or on the pictures beside it."""
    picture = photographs[0]
    expected = statistics(picture)
    threads = cv2.getNumThreads()
    try:
        for count in (1, 3):
            cv2.setNumThreads(count)
            assert statistics(np.asfortranarray(picture)) == pytest.approx(expected, abs=0, rel=0, nan_ok=True)
    finally:
        cv2.setNumThreads(threads)
    one, two = StatisticalSemantics().score([picture, photographs[1]])
    assert one.scores.items() >= expected.items() or one.scores == pytest.approx(
        {**one.scores, **expected}, nan_ok=True
    )
    assert [two.scores] == [found.scores for found in StatisticalSemantics().score([photographs[1]])]


def test_the_filter_says_who_it_is():
    filter_ = StatisticalSemantics()
    filter_.load()
    assert (filter_.name, filter_.provider) == ("semantics", "statistics")
    assert filter_.version == version() and len(version()) == 12
    [found] = filter_.score([np.full((64, 64, 3), 90, np.uint8)])
    check_probabilities(found.scores)
    assert found.answers == {}


def test_the_calibration_names_the_classes_of_the_prompts():
    model = calibration()
    assert model.classes == tuple(PROMPTS)
    assert set(model.severity) == set(DEGRADATIONS)
    assert model.weights.shape == (len(PROMPTS), len(model.names))
    assert model.quantiles.shape == (len(model.names), len(SHARES))


def test_probabilities_are_those_of_the_formula():
    """A calibration by hand: two classes, one statistic of normal distribution, one tree."""
    model = read(
        json.dumps(
            {
                "names": ["a"],
                "classes": ["clean", "blur"],
                "usual": [1.0],
                "quantiles": [[1.0 + 2.0 * NormalDist().inv_cdf(share) for share in SHARES]],
                "weights": [[0.0], [1.0]],
                "bias": [0.0, 0.5],
                "trees": {
                    "feature": [0, -1, -1],
                    "threshold": [2.0, -1.0, 3.0],
                    "right": [2, 0, 0],
                    "roots": [0],
                    "output": [1],
                    "base": [0.25, 0.0],
                },
                "mix": 0.5,
                "sharpness": 2.0,
                "severity": {},
            }
        )
    )
    # a = 3, one deviation above 1: linear (0, 1.5), trees (.25, 3); logits 2 · ½ · their sum.
    expected = 1 / (1 + np.exp(0.25 - 4.5))
    assert evaluate(model, {"a": 3.0})["semantics.blur"] == pytest.approx(expected)
    # Not measured: as usual, a = 1: linear (0, .5), trees (.25, -1).
    assert evaluate(model, {})["semantics.blur"] == pytest.approx(1 / (1 + np.exp(0.25 + 0.5)))


@pytest.mark.slow
def test_macro_f1_on_photographs_held_out(shared_photos):
    """Snapshots of photographs that the fit left out: see benchmarks/fit_statistics.py for the whole measurement."""
    from sklearn.metrics import f1_score

    from benchmarks.fit_statistics import example, held_out

    true, found = [], []
    for place in held_out(len(shared_photos))[::2]:
        photo = decode(shared_photos[place].read_bytes(), 10**8).pixels
        for label in PROMPTS:
            picture, _ = example(photo, label, int(place))
            scores = semantics(statistics(picture))
            true.append(label)
            found.append(max(PROMPTS, key=lambda name: scores[f"semantics.{name}"]))
    assert f1_score(true, found, average="macro") > 0.55
