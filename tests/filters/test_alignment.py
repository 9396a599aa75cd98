"""Pairs that lie beside one another, are bent, or show other content: real degradations over real photographs."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest

from filters.decoding import decode
from filters.luma import luma
from filters.pair.alignment import alignment, correlate
from filters.pair.flow import flow
from filters.pair.skeleton import skeleton
from filters.pair.structure import structure
from filters.policy import decide
from filters.scoring import score_pair
from schemas.recipe.policy import PolicySection
from tests.filters.displaced import change, degrade, direction, sample, warp_field

NINE = ["noise", "blur", "compression", "haze", "lowlight", "rain", "flare", "moire", "reflection"]
SEVERITIES = (0.1, 0.5, 0.9)
SHIFTS, WARPS = (0, 0.25, 0.5, 1, 2, 4), (0, 1, 2, 4)
SHORT = 288
POLICY = PolicySection()


@pytest.fixture(scope="module")
def photographs(photo_paths):
    chosen = [path for path in photo_paths if path.stem in ("astronaut", "coffee", "china", "grace_hopper")]
    return [decode(path.read_bytes(), 10**7).pixels for path in chosen]


def reasons(scores, name, role):
    return [
        reason
        for reason in decide(scores, name, role, POLICY)
        if reason.startswith(("pair.shift", "pair.local", "pair.structure", "pair.changed", "pair.skeleton"))
    ]


def place(degraded, clean, name):
    found, rest = correlate(luma(degraded), luma(clean), name)
    return {**alignment(found, rest, name), **flow(found)}


@pytest.fixture(scope="module")
def shifted(photographs):
    """Scores of (degradation, photograph, severity), one entry a shift."""
    found = {}
    for number, photo in enumerate(photographs[:2]):
        clean = sample(photo, SHORT)
        moved = [sample(photo, SHORT, direction(pixels, 1.0 + 2.0 * number)) for pixels in SHIFTS]
        for name in [*NINE, "realesrgan"]:
            for severity in SEVERITIES:
                pictures = [degrade(picture, name, severity, number) for picture in moved]
                found[name, number, severity] = [place(picture, clean, name) for picture in pictures]
    return found


@pytest.mark.parametrize("name", [*NINE, "realesrgan"])
def test_shift_orders_shifts_under_every_degradation(name, shifted):
    measured = np.array([[s["pair.shift"] for s in row] for (of, *_), row in shifted.items() if of == name])
    assert np.all(np.diff(measured.mean(axis=0)) > 0)
    assert np.median(np.abs(measured - SHIFTS), axis=0).max() < 0.15


def test_nearly_every_pair_alone_is_ordered_too(shifted):
    rows = [[s["pair.shift"] for s in row] for (name, *_), row in shifted.items() if name in NINE]
    assert np.mean(np.all(np.diff(rows, axis=1) > 0, axis=1)) >= 0.9


def test_no_pair_in_place_is_dropped_and_those_2_px_off_are(shifted):
    still, off = SHIFTS.index(0), SHIFTS.index(2)
    dropped = {key: [bool(reasons(s, key[0], "synthetic")) for s in row] for key, row in shifted.items()}
    assert not any(row[still] for row in dropped.values())
    assert np.mean([row[off] for (name, *_), row in dropped.items() if name in NINE]) >= 0.95


@pytest.mark.parametrize("name", NINE)
def test_local_shift_and_warp_order_warps_under_every_degradation(name, photographs):
    means = np.zeros((len(WARPS), 2))
    for number, photo in enumerate(photographs[:2]):
        clean = sample(photo, SHORT)
        field = warp_field(*clean.shape[:2], 1.0, number)
        for severity in (0.2, 0.6):
            for row, pixels in enumerate(WARPS):
                bent = sample(photo, SHORT, field * np.float32(pixels))
                scores = place(degrade(bent, name, severity, number), clean, name)
                means[row] += scores["pair.local_shift"], scores["pair.warp"]
    assert np.all(np.diff(means, axis=0) > 0)


def test_a_translation_is_no_warp(photographs):
    clean = sample(photographs[0], SHORT)
    scores = place(sample(photographs[0], SHORT, (3.0, -2.0)), clean, "noise")
    assert scores["pair.warp"] < 0.1
    assert scores["pair.local_shift"] == pytest.approx(13**0.5, abs=0.1)


def test_a_shift_of_many_pixels_is_found(photographs):
    clean = sample(photographs[0], SHORT)
    moved = sample(photographs[0], SHORT, (-14.0, 9.0))
    scores = place(degrade(moved, "noise", 0.3, 0), clean, "noise")
    assert scores["pair.shift"] == pytest.approx(277**0.5, abs=0.3)
    assert scores["pair.shift_least"] > 16


def test_skeletons_move_apart_with_the_shift(photographs):
    for name in ("noise", "haze", "flare", "moire", "rain"):
        distances = np.zeros(3)
        for number, photo in enumerate(photographs[:2]):
            clean = sample(photo, SHORT)
            for row, pixels in enumerate((0, 2, 4)):
                moved = sample(photo, SHORT, direction(pixels, 0.8))
                degraded = degrade(moved, name, 0.4, number)
                distances[row] += skeleton(luma(degraded), luma(clean), name)["pair.skeleton_shift"]
        assert distances[0] < 0.5 * distances[1] < 0.5 * distances[2]


@pytest.mark.parametrize("kind", ["added", "removed", "moved"])
def test_references_with_other_content_stand_out(kind, photographs):
    """At mild severity; a degradation that hides half the picture hides changes too. What was painted over cannot be
    told from what rain, flares and reflections add."""
    caught, kept = [], []
    for number, photo in enumerate(photographs[:3]):
        clean = sample(photo, SHORT)
        reference = change(clean, photographs[number - 1], kind, number, share=0.08)
        for name in NINE:
            degraded = degrade(clean, name, 0.2, number)
            same, other = (structure(luma(degraded), luma(c), name) for c in (clean, reference))
            assert other["pair.changed"] >= same["pair.changed"]
            assert other["pair.structure"] < same["pair.structure"] + 0.005
            kept.append(bool(reasons(score_pair(degraded, clean, name), name, "real")))
            caught.append(bool(reasons(score_pair(degraded, reference, name), name, "real")))
    assert np.mean(kept) <= 0.03
    assert np.mean(caught) >= {"added": 0.6, "removed": 0.4, "moved": 0.6}[kind]


def test_another_photograph_is_no_reference(photographs):
    clean, other = (sample(photo, SHORT)[:SHORT, :SHORT] for photo in photographs[:2])
    for name in NINE:
        degraded = degrade(clean, name, 0.3, 0)
        assert "pair.structure.low" in reasons(score_pair(degraded, other, name), name, "real")


def test_scores_depend_on_no_threads(photographs):
    clean = sample(photographs[1], SHORT)
    degraded = degrade(clean, "rain", 0.5, 0)
    threads = cv2.getNumThreads()
    found = []
    for count in (1, 4):
        cv2.setNumThreads(count)
        found.append(score_pair(degraded, clean, "rain"))
    cv2.setNumThreads(threads)
    assert found[0] == found[1]


@pytest.mark.parametrize("shape", [(1, 1), (15, 400), (16, 16), (17, 900), (63, 65)])
@pytest.mark.parametrize("values", [(0, 0), (255, 255), (0, 255), (128, None), (None, 128), (None, None)])
def test_any_shape_and_flat_pictures_have_scores_without_a_warning(shape, values):
    pair = [
        np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
        if value is None
        else np.full((*shape, 3), value, np.uint8)
        for value in values
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score_pair(*pair, "blur" if shape[0] % 2 else "noise")
    for name in ("pair.structure", "pair.changed", "pair.skeleton_unmatched"):
        assert not (scores[name] < 0 or scores[name] > 1)
    if values != (None, None) or min(shape) < 16:
        assert np.isnan(scores["pair.shift"]) and np.isnan(scores["pair.local_shift"])
