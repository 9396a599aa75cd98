"""UARE's levels as a column: single, multiple, high-order, from the chain that was planned."""

import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from degradations.chain import task_of
from pipeline.planning import plan_rows
from pipeline.replay import replay
from pipeline.sources.uri import read_uri
from schemas.ledger import LedgerRow
from schemas.plan import PlanRow
from schemas.recipe import parse_recipe
from schemas.shard import ShardIndexRow
from tests.pipeline.runs import ledger, members, synthesize
from tests.pipeline.test_plan import source

CHAINS = {
    "foggy": {"steps": ["haze"]},
    "noisy-web": {"steps": ["noise", "web_style"]},
    "worst": {"steps": ["blur", "realesrgan"]},
    "declared": {"steps": ["depictqa"], "curriculum": "multiple"},
}
LEVELS = {
    "noise": "single", "haze": "single", "realesrgan": "high_order", "apisr": "high_order", "depictqa": "single",
    "foggy": "single", "noisy-web": "multiple", "worst": "high_order", "declared": "multiple",
    "agenticir-c-rain-noise-lr": "multiple", "depictqa-single": "single", "depictqa-multiple": "multiple",
    "uare-high-order-apisr": "high_order",
}  # fmt: skip


def only_chains(chains):
    """The degradations of a recipe in which nothing but these chains has a weight."""
    return {name: {"weight": 0} for name in parse_recipe({}).degradations.weights()} | {"chains": chains}


def test_the_level_follows_from_the_chain():
    compositions = ["agenticir-c", "depictqa", "uare-high-order"]
    section = parse_recipe({"degradations": {"chains": CHAINS, "compositions": compositions}}).degradations
    assert {name: section.curriculum(name) for name in LEVELS} == LEVELS


def test_every_planned_row_has_its_level():
    degradations = {"chains": CHAINS, "apisr": {"weight": 1}}
    recipe = parse_recipe({"degradations": degradations, "plan": {"variants": 40}})
    rows = plan_rows([source(1), source(1, duplicate_ordinal=1)], recipe)
    for row in rows:
        assert row.curriculum == ("" if row.exclusion else recipe.degradations.curriculum(row.degradation))
    assert {row.curriculum for row in rows} == {"", "single", "multiple", "high_order"}
    assert not any("." in row.sample_key for row in rows)


@pytest.mark.parametrize("record", [PlanRow, LedgerRow, ShardIndexRow])
def test_tables_without_the_column_are_still_read(record):
    table = pa.Table.from_pylist([], schema=record.arrow_schema()).drop_columns(["curriculum"])
    assert record.from_table(table) == []
    assert record.model_fields["curriculum"].default == ""


def test_chains_go_through_the_pipeline_and_replay(make_recipe, tmp_path):
    recipe = make_recipe(degradations=only_chains(CHAINS), plan={"variants": 4}, policy={"rules": []})
    rows = ledger(synthesize(recipe, tmp_path / "out"))
    assert {row.verdict for row in rows} == {"accepted"}
    assert {row.degradation for row in rows} == set(CHAINS)
    for row in rows:
        assert row.curriculum == LEVELS[row.degradation]
        assert row.task == task_of(row.degradation, recipe.degradations)
        planned = [step.degradation for step in recipe.degradations.steps(row.degradation)]
        assert [step.degradation for step in row.trace.steps] == planned
        assert row.trace.steps[0].severity == row.severity


def test_a_sample_of_a_chain_replays_from_its_trace(make_recipe, tmp_path):
    recipe = make_recipe(
        degradations=only_chains({"worst": CHAINS["worst"]}), plan={"variants": 1}, policy={"rules": []}
    )
    dataset = synthesize(recipe, tmp_path / "out")
    kept = members(dataset)
    for row in ledger(dataset)[:2]:
        again = replay(read_uri(row.uri), row.trace)
        with Image.open(io.BytesIO(kept[f"{row.sample_key}.lq.png"])) as stored:
            np.testing.assert_array_equal(np.asarray(stored), again)
