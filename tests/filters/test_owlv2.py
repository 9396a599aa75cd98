"""OWLv2 through transformers' own classes, with a small random model on disk."""

from __future__ import annotations

import json

import numpy as np
import pytest

from filters.watermark.select import build_watermark
from schemas.errors import RecipeError
from schemas.recipe.filters import WatermarkSection

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tests.filters.owlv2_models import write_owlv2

    return write_owlv2(tmp_path_factory.mktemp("owlv2") / "model")


def build(folder, **changes):
    return build_watermark(WatermarkSection(provider="owlv2", model=str(folder), **changes), "cpu", 4)


def pictures():
    rng = np.random.default_rng(0)
    shapes = ((50, 80), (300, 100), (1, 1), (1, 200), (64, 64))
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]


def test_scores_are_probabilities_and_detections_lie_in_the_picture(folder):
    images = pictures()
    for image, finding in zip(images, build(folder).score(images), strict=True):
        assert set(finding.scores) == {"watermark", "watermark.detector"}
        assert all(0.0 <= score <= 1.0 for score in finding.scores.values())
        for detection in json.loads(finding.answers.get("watermark.detections", "[]")):
            left, top, right, bottom = detection["box"]
            assert 0 <= left <= right <= image.shape[1] and 0 <= top <= bottom <= image.shape[0]
            assert detection["query"] in WatermarkSection().queries and detection["score"] >= 0.1


def test_a_finding_does_not_depend_on_its_neighbours(folder):
    detector, images = build(folder), pictures()
    together = detector.score(images)
    assert together[1:3] == detector.score(images[1:3])
    assert detector.score([]) == []
    assert len({finding.scores["watermark.detector"] for finding in together}) > 1


def test_the_threshold_is_where_a_watermark_is_as_likely_as_not(folder):
    found = [finding.scores["watermark.detector"] for finding in build(folder).score(pictures())]
    highest = min(found)
    image = pictures()[found.index(highest)]
    even = build(folder, threshold=highest).score([image])[0].scores
    assert even["watermark.detector"] == highest
    assert even["watermark"] == pytest.approx(0.5)
    strict = build(folder, threshold=1.0).score([image])[0]
    assert strict.scores["watermark"] == 0.0 and not strict.answers


def test_the_version_names_model_queries_and_threshold(folder):
    versions = {build(folder, **changes).version for changes in ({}, {"queries": ("a logo",)}, {"threshold": 0.3})}
    assert len(versions) == 3 and all(len(version) == 16 for version in versions)


def test_what_cannot_be_loaded_is_named(folder, tmp_path):
    with pytest.raises(RecipeError, match=r"filters\.watermark\.model.*no folder here and no hub id"):
        build("../elsewhere/owl")
    with pytest.raises(RecipeError, match=r"no config\.json"):
        build(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "owlv2"}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(RecipeError, match=r"no \*\.safetensors"):
        build(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(RecipeError, match="type 'bert', not owlv2"):
        build(tmp_path)
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(RecipeError, match="cannot be loaded"):
        build(tmp_path).load()
    with pytest.raises(RecipeError, match=r"filters\.watermark\.queries.*shorten it"):
        build(folder, queries=("a watermark of a photographer whose name is long",)).load()
