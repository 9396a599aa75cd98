"""Filters inside the job: what they find is kept, what they fail on is done again, and the run goes on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from filters.contract import Finding
from filters.inference import full_batches, one_by_one
from filters.looking import Patient, Picture
from filters.statistics.semantics_filter import StatisticalSemantics
from filters.watermark.detect import OverlayWatermark
from schemas.recipe import parse_recipe
from tests.filters.judge_server import serving
from tests.pipeline.runs import files, ledger, members, only, synthesize


@dataclasses.dataclass
class Fragile:
    """A filter whose memory holds one picture, and which one picture breaks."""

    name: str = "fragile"
    provider: str = "test"
    version: str = "1"
    shown: list[int] = dataclasses.field(default_factory=list)

    def load(self):
        pass

    def score(self, images):
        self.shown.append(len(images))
        if len(images) > 1:
            raise RuntimeError("CUDA out of memory")
        if images[0].max() == 0:
            raise RuntimeError("CUDA out of memory even so")
        return [Finding({"mean": float(image.mean())}) for image in images]


def test_a_batch_that_does_not_fit_is_shown_one_by_one():
    pictures = [Picture(np.full((4, 4, 3), value, np.uint8)) for value in (5, 0, 7)]
    fragile = Fragile()
    found = Patient(fragile, 2).look(pictures)
    assert found[0] == Finding({"mean": 5.0}) and found[2] == Finding({"mean": 7.0})
    assert isinstance(found[1], RuntimeError) and str(found[1]) == "CUDA out of memory even so"
    assert fragile.shown == [2, 1, 1, 1]


def test_pictures_that_are_shown_one_by_one_fill_no_batch_up():
    assert list(full_batches(3, 2)) == [[0, 1], [2, 2]]
    with one_by_one():
        assert list(full_batches(2, 16)) == [[0], [1]]
    assert list(full_batches(1, 2)) == [[0, 0]]


@pytest.fixture
def recipe_of(small_photos):
    def make(**sections):
        return parse_recipe(
            {
                "sources": [{"path": str(small_photos)}],
                "plan": {"variants": 1, "unit_size": 4},
                "degradations": only("noise"),
                "filters": {"watermark": {"provider": "overlay"}},
                "policy": {"rules": [{"score": "source.short_side", "min": 100}]},
                **sections,
            }
        )

    return make


def test_what_the_default_filters_find_is_in_the_ledger(recipe_of, tmp_path):
    for row in ledger(synthesize(recipe_of(), tmp_path / "dataset")):
        assert [label.partition(":")[0] for label in row.filters] == ["watermark=overlay", "semantics=statistics"]
        assert row.unscored == []
        shares = [value for name, value in row.scores.items() if name.startswith("input.semantics.")]
        assert len(shares) == 10 and sum(shares) == pytest.approx(1)
        assert 0 <= row.scores["source.watermark"] <= 1 and "input.watermark" not in row.scores


def test_a_source_is_looked_at_once_for_all_its_units(recipe_of, tmp_path, monkeypatch):
    shown = []
    look = OverlayWatermark.score
    monkeypatch.setattr(OverlayWatermark, "score", lambda self, images: shown.append(len(images)) or look(self, images))
    rows = ledger(synthesize(recipe_of(plan={"variants": 3, "unit_size": 2}), tmp_path / "dataset"))
    assert len(rows) == 24 and sum(shown) == 8
    by_source = {}
    for row in rows:
        by_source.setdefault(row.source_key, set()).add(row.scores["source.watermark"])
    assert all(len(values) == 1 for values in by_source.values())


def judged(url, **changes):
    judge = {"provider": "endpoint", "model": "tiny", "url": url, "retries": 0, "timeout": 5, **changes}
    return {"watermark": {"provider": "overlay"}, "judge": judge}


def test_a_dead_endpoint_costs_the_scores_and_the_next_run_has_them(recipe_of, tmp_path):
    cache = {"cache": str(tmp_path / "cache")}
    with serving() as server:
        url = server.url
        healthy = synthesize(recipe_of(filters=judged(url, cache=str(tmp_path / "other"))), tmp_path / "healthy")
    dead = synthesize(recipe_of(filters=judged(url, **cache)), tmp_path / "dataset")
    rows = ledger(dead)
    assert [row.verdict for row in rows] == ["accepted"] * 8
    for row in rows:
        assert [fault.partition(":")[0] for fault in row.unscored] == [
            "source.judge.suitability",
            "input.judge.degradation",
        ]
        assert not [name for name in row.scores if ".judge." in name]
    assert len(members(dead)) == len(members(healthy))
    with serving() as server:
        again = synthesize(recipe_of(filters=judged(server.url, **cache)), tmp_path / "dataset")
    rows = ledger(again)
    assert all(row.unscored == [] and row.scores["input.judge.degradation"] >= 1 for row in rows)
    assert members(again) == members(healthy)
    made = {name: data for name, data in files(again).items() if name not in ("recipe.yaml",)}
    assert made == {name: data for name, data in files(healthy).items() if name not in ("recipe.yaml",)}


def test_a_rule_on_a_score_that_failed_says_missing(recipe_of, tmp_path, monkeypatch):
    def broken(self, images):
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(StatisticalSemantics, "score", broken)
    rules = {"rules": [{"score": "input.semantics.noise", "min": 0.0}]}
    dataset = synthesize(recipe_of(policy=rules), tmp_path / "dataset")
    for row in ledger(dataset):
        assert row.reasons == ["input.semantics.noise.missing"]
        assert row.unscored == ["input.semantics: RuntimeError: CUDA out of memory"]
    monkeypatch.undo()
    assert all(row.verdict == "accepted" for row in ledger(synthesize(recipe_of(policy=rules), tmp_path / "dataset")))
