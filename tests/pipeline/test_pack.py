"""Packing: the shards of a decision, whatever the run had kept."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from jobs.cli import app
from pipeline.dataset import Dataset
from pipeline.decide import decide_dataset
from pipeline.engines.local import LocalEngine
from pipeline.pack import pack_units, plan_packing
from pipeline.shards.reader import ShardReader
from schemas.errors import DatasetError
from schemas.recipe import load_recipe, parse_recipe
from schemas.recipe.policy import PolicySection, Rule
from schemas.text import TextRow
from tests.filters.judge_server import says, serving
from tests.pipeline.runs import files, ledger, members, synthesize

STRICT = {"rules": [{"score": "pair.psnr", "max": 25.0}]}
LOOSE = PolicySection(rules=(Rule(score="pair.psnr", max=31.0),))
FILTERS = {"watermark": {"provider": "overlay"}}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory, small_photos):
    """A copy, so that a test may take one away."""
    folder = tmp_path_factory.mktemp("pack") / "photos"
    shutil.copytree(small_photos, folder)
    return folder


def recipe_of(photographs, policy):
    sources, plan = [{"path": str(photographs)}], {"variants": 4, "unit_size": 8}
    return parse_recipe({"sources": sources, "plan": plan, "policy": policy, "filters": FILTERS})


@pytest.fixture(scope="module")
def finished(photographs, tmp_path_factory):
    return synthesize(recipe_of(photographs, STRICT), tmp_path_factory.mktemp("pack") / "dataset")


@pytest.fixture
def dataset(finished, tmp_path):
    copy = tmp_path / "dataset"
    shutil.copytree(finished.root, copy)
    return Dataset.open(copy)


def pack(dataset, out, engine=None):
    recipe = load_recipe(dataset.root / "recipe.yaml")
    list(pack_units(dataset, out, recipe, plan_packing(dataset, out), engine or LocalEngine()))
    return Dataset.open(out)


def pixels(dataset):
    """The members but JSON, which names the recipe."""
    return {name: data for name, data in members(dataset).items() if not name.endswith("json")}


def test_a_packed_decision_holds_what_a_fresh_run_would(photographs, dataset, tmp_path):
    decided = decide_dataset(dataset, LOOSE)
    assert decided.without_pixels > 3
    packed = pack(dataset, tmp_path / "packed")
    fresh = synthesize(recipe_of(photographs, {"rules": [{"score": "pair.psnr", "max": 31.0}]}), tmp_path / "fresh")
    assert pixels(packed) == pixels(fresh)
    assert sorted(ShardReader(packed.root).keys) == sorted(ShardReader(fresh.root).keys)
    described = {name: json.loads(data) for name, data in members(packed).items() if name.endswith("0.json")}
    for name, own in described.items():
        theirs = json.loads(members(fresh)[name])
        own["trace"].pop("recipe_fingerprint"), theirs["trace"].pop("recipe_fingerprint")
        assert own == theirs
    assert {row.sample_key: (row.verdict, row.reasons) for row in ledger(packed)} == {
        row.sample_key: (row.verdict, row.reasons) for row in ledger(fresh)
    }


def test_a_packing_without_a_decision_is_the_run_itself(finished, tmp_path):
    packed = pack(finished, tmp_path / "packed")
    assert members(packed) == members(finished)


def test_texts_are_columns_and_members(finished, tmp_path):
    packed = pack(finished, tmp_path / "packed")
    rows = [row for part in sorted(packed.texts.glob("*.parquet")) for row in TextRow.read_parquet(part)]
    accepted = {row.sample_key for row in ledger(packed) if row.verdict == "accepted"}
    assert {row.sample_key for row in rows} == accepted
    for key in accepted:
        own = json.loads(members(packed)[f"{key}.text.json"])
        assert {(text["kind"], text["language"]) for text in own} == {
            (kind, language)
            for kind in ("interleaved", "identification", "description", "comparison")
            for language in ("en", "zh")
        }


def test_texts_can_be_left_out(finished, tmp_path):
    recipe = load_recipe(finished.root / "recipe.yaml", ["text.enabled=false"])
    out = tmp_path / "packed"
    list(pack_units(finished, out, recipe, plan_packing(finished, out), LocalEngine()))
    assert not [name for name in members(Dataset.open(out)) if name.endswith("text.json")]


def test_a_model_may_reword_texts_and_invent_nothing(finished, tmp_path):
    plain = pack(finished, tmp_path / "plain")
    before = {(row.sample_key, row.kind, row.language): row.answer for row in texts_in(plain)}

    def behave(request):
        answer = request["messages"][0]["content"].split("\n\n", 1)[1]
        return says(
            answer.replace("visible", "noticeable") if "visible" in answer else answer + " A cat sits in the rain."
        )

    def pack_with(url, out):
        recipe = load_recipe(finished.root / "recipe.yaml", [f"text.rewriter={{model: m, url: '{url}', retries: 0}}"])
        list(pack_units(finished, out, recipe, plan_packing(finished, out), LocalEngine()))
        return Dataset.open(out)

    with serving() as server:
        server.behave = behave
        url = server.url
        packed = pack_with(url, tmp_path / "packed")
    after = {(row.sample_key, row.kind, row.language): row.answer for row in texts_in(packed)}
    assert after.keys() == before.keys()
    assert not [text for text in after.values() if "cat" in text.split()]
    dead = pack_with(url, tmp_path / "dead")
    assert {(row.sample_key, row.kind, row.language): row.answer for row in texts_in(dead)} == before
    faults = [row.unscored for row in ledger(dead) if row.verdict == "accepted"]
    assert all(fault[0].startswith("text: text.rewriter.url: http://127.0.0.1") for fault in faults) and faults


def texts_in(dataset):
    return [row for part in sorted(dataset.texts.glob("*.parquet")) for row in TextRow.read_parquet(part)]


def test_a_unit_whose_index_is_lost_is_made_again(dataset, tmp_path):
    whole = pack(dataset, tmp_path / "whole")
    next(iter(sorted(dataset.index.glob("*.parquet")))).unlink()
    assert members(pack(dataset, tmp_path / "packed")) == members(whole)


def test_packing_goes_on_where_it_was_killed(dataset, tmp_path):
    decide_dataset(dataset, LOOSE)
    whole = pack(dataset, tmp_path / "whole")
    out = tmp_path / "packed"
    command = [sys.executable, "-m", "jobs.cli", "pack", str(dataset.root), "--out", str(out)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not list((out / "ledger").glob("*.parquet")) and child.poll() is None:
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    done = len(list((out / "ledger").glob("*.parquet")))
    assert done >= 1
    again = CliRunner().invoke(app, ["pack", str(dataset.root), "--out", str(out)])
    assert again.exit_code == 0, again.output
    assert files(Dataset.open(out)) == files(whole)


def test_another_decision_needs_another_folder(dataset, tmp_path):
    pack(dataset, tmp_path / "packed")
    decide_dataset(dataset, LOOSE)
    with pytest.raises(DatasetError, match=r"(?s)name another folder.*packed.decision"):
        pack(dataset, tmp_path / "packed")


def test_a_source_that_is_gone_costs_its_samples_until_it_is_back(photographs, dataset, tmp_path):
    decide_dataset(dataset, LOOSE)
    lost = next(row for row in ledger(dataset) if row.verdict == "rejected" and row.scores["pair.psnr"] < 31)
    path = next(path for path in photographs.iterdir() if str(path) == lost.uri)
    away = tmp_path / path.name
    path.rename(away)
    try:
        packed = pack(dataset, tmp_path / "packed")
        row = next(row for row in ledger(packed) if row.sample_key == lost.sample_key)
        assert (row.verdict, row.reason) == ("failed", "failed.pack")
        assert row.unscored[0].startswith("pack: FileNotFoundError")
    finally:
        away.rename(path)
    packed = pack(dataset, tmp_path / "packed")
    assert all(row.verdict != "failed" for row in ledger(packed))


def test_a_damaged_shard_is_noticed(dataset, tmp_path):
    shard = max(dataset.shards.glob("*.tar"), key=lambda path: path.stat().st_size)
    data = bytearray(shard.read_bytes())
    data[3000] ^= 255
    shard.write_bytes(data)
    packed = pack(dataset, tmp_path / "packed")
    failed = [row for row in ledger(packed) if row.verdict == "failed"]
    assert len(failed) == 1 and "is damaged; synthesize again" in failed[0].error


def test_what_cannot_be_packed_is_told(dataset, tmp_path):
    run = CliRunner()
    at_home = run.invoke(app, ["pack", str(dataset.root), "--out", str(dataset.root)])
    assert at_home.exit_code == 1 and "is the dataset itself" in at_home.output
    other = run.invoke(app, ["pack", str(dataset.root), "seed=3", "--out", str(tmp_path / "packed")])
    assert other.exit_code == 1 and "only engine." in other.output
    dry = run.invoke(app, ["pack", str(dataset.root), "--dry-run", "--out", str(tmp_path / "packed")])
    assert dry.exit_code == 0 and "nothing was written" in dry.output and not (tmp_path / "packed").exists()
    decide_dataset(dataset, PolicySection(rules=(Rule(score="pair.psnr", min=1000),)))
    nothing = run.invoke(app, ["pack", str(dataset.root), "--out", str(tmp_path / "packed")])
    assert nothing.exit_code == 1 and "no sample is accepted" in nothing.output


def test_packed_units_keep_their_split_and_rows(dataset, tmp_path):
    packed = pack(dataset, tmp_path / "packed")
    parts = [pq.read_table(part) for part in sorted(packed.ledger.glob("*.parquet"))]
    assert sum(part.num_rows for part in parts) == len(ledger(dataset))
