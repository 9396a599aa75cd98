"""Watermarks: what was laid over a photograph is found, what was photographed is not."""

from __future__ import annotations

import json
import math
import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.watermark import text as text_module
from filters.watermark.detect import OverlayWatermark, TextWatermark
from filters.watermark.lexicon import lexical
from filters.watermark.model import either, judge_lattice, judge_texts
from filters.watermark.overlay import find_lattice
from filters.watermark.position import place
from filters.watermark.repetition import repeated
from filters.watermark.select import build_watermark
from filters.watermark.text import Text
from schemas.errors import RecipeError
from schemas.recipe.filters import WatermarkSection
from tests.filters.scene_text import SIGNS, paint_sign
from tests.filters.watermark_drawings import MARKS

#: Probability above which the tests, and a policy, take a picture for marked.
BOUND = 0.5
BY_NAME = {mark.name: mark for mark in MARKS}


def load(path, long_side=1024):
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    scale = long_side / max(picture.shape[:2])
    return picture if scale >= 1 else cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def line(text, left, top, width=120, height=20, turn=0.0, confidence=1.0):
    """A reading whose box has its first corner at (left, top), turned clockwise by degrees."""
    angle = math.radians(turn)
    along = np.array([math.cos(angle), math.sin(angle)]) * width
    down = np.array([-math.sin(angle), math.cos(angle)]) * height
    start = np.array([left, top], float)
    return Text(text, confidence, tuple(tuple(c) for c in (start, start + along, start + along + down, start + down)))


@pytest.fixture(scope="module")
def reader():
    pytest.importorskip("rapidocr")
    return build_watermark(WatermarkSection(), "cpu", 4)


@pytest.fixture(scope="module")
def demo(photo_paths):
    return {path.stem: load(path) for path in photo_paths}


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("shutterstock", "Getty Images", "© Anna Keller", "(c) 2020 Keller", "All rights reserved", "DO NOT COPY"),
        *("shutterstocl", "utterstock", "dreamst", "视觉中国", "Image ID: 2A7X9KD"),
    ],
)
def test_words_that_alone_make_a_watermark(text):
    assert lexical(text) >= 0.8


@pytest.mark.parametrize("text", ["www.fjordlight.no", "@lena.shoots", "photobank.com", "J. Moreau Photography"])
def test_words_that_say_less(text):
    assert 0.5 <= lexical(text) < 0.8


@pytest.mark.parametrize(
    "text", ["BAKERY", "TELEPHONE", "WELCOME TO", "DUNLOP", "B-XR 4471", "", "...", "a", "福", "No. 12"]
)
def test_words_of_scenes(text):
    assert lexical(text) == 0.0


def test_the_recipe_adds_words():
    assert lexical("Nordlicht") == 0.0
    assert lexical("Nordlicht 2021", ("nord-licht",)) == 1.0


# --- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (line("M. Okafor", 870, 740), (1, 0, 1)),  # lower right corner
        (line("M. Okafor", 10, 300, turn=90, height=8), (1, 0, 1)),  # upright, along the left edge
        (line("Jules Moreau", 362, 360, 300, 48), (0, 1, 1)),  # centre
        (line("Lumen", 540, 360, 300, 48), (0, 0.75, 1)),  # beside a logo in the centre
        (line("BAKERY", 200, 200, turn=5), (0, 0, 0)),  # somewhere, askew
        (line("BAKERY", 870, 735, turn=4), (0, 0, 0)),  # in a corner, askew
    ],
)
def test_places(reading, expected):
    assert tuple(place(reading, 1024, 768)) == pytest.approx(expected)


def test_texts_on_a_lattice_repeat_and_others_do_not():
    lattice = [line("Nordlicht", 100 + 250 * column, 80 + 150 * row) for row in range(3) for column in range(3)]
    assert repeated(lattice, 1024, 768) == [1.0] * 9
    twice = [line("DUNLOP", 100, 100), line("DUNLOP", 500, 130)]
    assert repeated(twice, 1024, 768) == [0.0, 0.0]
    mixed = [
        line("ONE WAY", 100, 100, height=20),
        line("ONE WAY", 500, 130, height=60),
        line("ONE WAY", 10, 500, turn=30),
    ]
    assert repeated(mixed, 1024, 768) == [0.0] * 3


def test_a_name_counts_in_a_corner_an_agency_anywhere_and_an_address_only_where_marks_are_put():
    def probability(reading):
        return judge_texts(np.full((768, 1024, 3), 90, np.uint8), [reading])[0].probability

    assert probability(line("M. Okafor", 870, 740)) > BOUND > probability(line("M. Okafor", 300, 300))
    assert probability(line("shutterstock", 300, 300, turn=3)) > BOUND
    assert probability(line("www.fjordlight.no", 870, 740)) > BOUND
    assert probability(line("sunshine.co.uk", 600, 250, turn=2)) < BOUND
    assert probability(line("2007-7-13", 870, 740)) < BOUND  # a camera's date


def test_probabilities_combine():
    assert either([]) == 0.0
    assert either([0.5, 0.5]) == pytest.approx(0.75)
    assert judge_lattice(None) == 0.0


# --- repeated overlays -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["logo, tiled", "logo, tiled, faint", "logo, tiled, staggered, turned", "name, tiled"])
def test_repeated_marks_are_found_without_reading(demo, name):
    for photo in ("chelsea", "coffee", "rocket"):
        found = OverlayWatermark().score([BY_NAME[name].draw(demo[photo])])[0]
        assert found.scores["watermark"] == found.scores["watermark.overlay"] > BOUND, photo


def test_photographs_have_no_repeated_overlay(demo):
    for name, photo in demo.items():
        assert judge_lattice(find_lattice(photo)) < 0.2, name


def facade(photo, columns, rows, away):
    """A wall of windows, no two alike, seen at an angle, over the lower part of `photo`."""
    rng = np.random.default_rng(columns)
    height, width = photo.shape[:2]
    wall = np.full((height, width, 3), 150.0, np.float32) + rng.normal(0, 4, (height, width, 3)).astype(np.float32)
    for row in range(rows):
        for column in range(columns):
            top, left = (int((row + 0.2) * height / rows), int((column + 0.25) * width / columns))
            wall[top : top + height // (2 * rows), left : left + width // (2 * columns)] = rng.uniform(20, 90)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = np.array([[0, 0.3 * height], [width, (0.3 - away) * height], [width, height], [0, (1 - away) * height]])
    warp = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    cover = cv2.warpPerspective(np.ones((height, width, 1), np.float32), warp, (width, height))[..., None]
    seen = cv2.warpPerspective(wall, warp, (width, height))
    return np.clip(photo * (1 - cover) + seen * cover, 0, 255).astype(np.uint8)


def test_periodic_scenes_are_not_overlays(demo):
    photo = demo["chelsea"]
    for columns, rows in ((8, 5), (14, 8), (5, 3)):
        assert judge_lattice(find_lattice(facade(photo, columns, rows, 0.15))) < 0.2
    for period in (2, 3, 4, 7):  # a screen, photographed
        y, x = np.indices(photo.shape[:2])
        grid = 1 - 0.5 * ((x % period == 0) | (y % period == 0))
        assert judge_lattice(find_lattice((photo * grid[..., None]).astype(np.uint8))) < 0.2
    for quality in (5, 15):  # the 8×8 grid of JPEG
        blocks = cv2.imdecode(cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)
        assert judge_lattice(find_lattice(blocks)) < 0.2


@settings(max_examples=25)
@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from(["noise", "flat", "ramp"]), st.integers(0, 255))
def test_any_picture_has_a_score_or_nan(height, width, kind, level):
    rng = np.random.default_rng(level)
    picture = np.full((height, width, 3), level, np.uint8)
    if kind == "noise":
        picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    elif kind == "ramp":
        picture[:] = np.linspace(0, level, width).astype(np.uint8)[None, :, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score = OverlayWatermark().score([picture])[0].scores["watermark"]
    assert math.isnan(score) if min(height, width) < 64 else 0.0 <= score < BOUND


# --- text in pictures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "photo"),
    [
        ("agency, tiled at 30°", "coffee"),
        ("name, tiled", "rocket"),
        ("address, centre", "rocket"),
        ("© name, corner", "astronaut"),
        ("bottom strip, black", "china"),
    ],
)
def test_marks_are_found_and_explained(reader, demo, name, photo):
    finding = reader.score([BY_NAME[name].draw(demo[photo])])[0]
    assert finding.scores["watermark"] > BOUND
    texts = json.loads(finding.answers["watermark.texts"])
    assert texts[0]["probability"] == pytest.approx(finding.scores["watermark.text"], abs=1e-3)
    height, width = demo[photo].shape[:2]
    for text in texts:
        assert text["text"] and len(text["box"]) == 8
        assert all(-1 <= x <= width + 1 for x in text["box"][::2]) and all(
            -1 <= y <= height + 1 for y in text["box"][1::2]
        )


def test_signs_in_a_scene_are_no_watermarks(reader, demo):
    read = 0
    for number, photo in enumerate(["coffee", "china", "astronaut", "chelsea"]):
        finding = reader.score([paint_sign(demo[photo], number)])[0]
        assert finding.scores["watermark"] < BOUND, finding.answers
        texts = "".join(text["text"] for text in json.loads(finding.answers.get("watermark.texts", "[]")))
        read += SIGNS[number][0].split()[0] in texts.upper()
    assert read >= 3  # they were read, and judged to be of the scene


def test_a_finding_does_not_depend_on_its_neighbours(reader, demo):
    marked = BY_NAME["handle, corner"].draw(demo["coffee"])
    alone = reader.score([marked])[0]
    beside = reader.score([demo["rocket"], marked, np.zeros((40, 40, 3), np.uint8)])
    assert beside[1] == alone
    assert beside[2].scores["watermark"] == 0.0 and math.isnan(beside[2].scores["watermark.overlay"])


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (33, 2000), (40, 40)])
def test_small_and_narrow_pictures(reader, shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = reader.score([np.full((*shape, 3), 255, np.uint8)])[0].scores
    assert scores["watermark"] == scores["watermark.text"] == 0.0


def test_the_version_names_models_words_and_measures(reader):
    assert len(reader.version) == 16
    assert reader.version == TextWatermark().version != TextWatermark(("nordlicht",)).version


def test_without_rapidocr_the_error_names_the_extra_and_the_way_round(monkeypatch):
    monkeypatch.setattr(text_module, "find_spec", lambda name: None)
    with pytest.raises(RecipeError, match=r"tarnish\[watermark\].*filters\.watermark\.provider=overlay"):
        build_watermark(WatermarkSection())
    assert build_watermark(WatermarkSection(provider="overlay")).provider == "overlay"


# --- the whole measure -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_forty_marks_are_found_and_photographs_left_alone(reader, shared_photos, demo):
    marked = [
        (mark, mark.draw(load(shared_photos[(number * 7 + 3) % len(shared_photos)])))
        for number, mark in enumerate(MARKS)
    ]
    found = {mark: reader.score([picture])[0].scores["watermark"] > BOUND for mark, picture in marked}
    unmarked = [*(load(path) for path in shared_photos[::2]), *demo.values()]
    alarms = sum(reader.score([photo])[0].scores["watermark"] > BOUND for photo in unmarked)
    signs = sum(
        reader.score([paint_sign(load(path), number)])[0].scores["watermark"] > BOUND
        for number, path in enumerate(shared_photos[::5])
    )
    # A single logo without any text is found by no measure here: that takes provider owlv2.
    lettered = [hit for mark, hit in found.items() if mark.group not in ("corner logo", "centre logo")]
    missed = [mark.name for mark, hit in found.items() if not hit]
    assert sum(lettered) / len(lettered) >= 0.9, missed
    assert sum(found.values()) / len(found) >= 0.85, missed
    assert alarms / len(unmarked) <= 0.05
    assert signs == 0
