"""A finished dataset is decided again from its scores alone."""

import shutil

import pyarrow.parquet as pq
import pytest

from pipeline.dataset import Dataset
from pipeline.decide import decide_dataset
from pipeline.shards.reader import ShardReader
from schemas.recipe.policy import PolicySection, Rule
from tests.pipeline.runs import files, ledger, synthesize


@pytest.fixture(scope="module")
def finished(tmp_path_factory, small_photos):
    from schemas.recipe import parse_recipe

    recipe = parse_recipe({"sources": [{"path": str(small_photos)}], "plan": {"variants": 5}})
    return recipe, synthesize(recipe, tmp_path_factory.mktemp("decide") / "dataset")


@pytest.fixture
def dataset(finished, tmp_path):
    copy = tmp_path / "dataset"
    shutil.copytree(finished[1].root, copy)
    return Dataset.open(copy)


def test_the_recipes_own_policy_gives_the_runs_verdicts(finished, dataset):
    recipe, _ = finished
    decision = decide_dataset(dataset, recipe.policy)
    assert decision.after == decision.before
    decided = {row["sample_key"]: row for row in pq.read_table(dataset.decision).to_pylist()}
    for row in ledger(dataset):
        assert (row.verdict, row.reasons) == (decided[row.sample_key]["verdict"], decided[row.sample_key]["reasons"])


def test_a_stricter_policy_drops_samples_for_the_reader_and_touches_no_pixel(dataset):
    reader = ShardReader(dataset.root)
    before = files(dataset)
    values = sorted(row.scores["pair.psnr"] for row in ledger(dataset) if row.verdict == "accepted")
    middle = values[len(values) // 2]
    decision = decide_dataset(dataset, PolicySection(rules=(Rule(score="pair.psnr", min=middle),)))
    assert 0 < len(ShardReader(dataset.root)) < len(reader)
    assert decision.reasons["rejected", "pair.psnr.low"] > 0
    after = files(dataset)
    assert after.pop("decision.parquet")
    assert after == before


def test_samples_accepted_later_are_counted_when_no_shard_holds_them(tmp_path, small_photos):
    from schemas.recipe import parse_recipe

    strict = {"rules": [{"score": "pair.psnr", "min": 90.0}]}
    recipe = parse_recipe({"sources": [{"path": str(small_photos)}], "policy": strict})
    dataset = synthesize(recipe, tmp_path / "dataset")
    decision = decide_dataset(dataset, PolicySection(rules=()))
    assert decision.without_pixels == decision.reasons["accepted", ""] == 8
    assert len(ShardReader(dataset.root)) == 0
