"""Law 1: a sample is a pure function of source bytes, recipe and key. Law 2: its trace replays it."""

import io

import numpy as np
import pytest
from PIL import Image

from pipeline.engines.ray_data import RayEngine
from pipeline.replay import read_partner_of, replay
from pipeline.sources.uri import read_uri
from tests.pipeline.runs import QUICK, files, ledger, members, synthesize


@pytest.fixture(scope="module")
def reference(tmp_path_factory, small_photos):
    from schemas.recipe import parse_recipe

    recipe = parse_recipe(
        {
            "filters": QUICK,
            "seed": 5,
            "sources": [{"path": str(small_photos)}],
            "plan": {"variants": 5, "heldout": 0.25},
        }
    )
    return recipe, synthesize(recipe, tmp_path_factory.mktemp("reference") / "dataset")


@pytest.mark.slow
@pytest.mark.parametrize("actors", [1, 2])
def test_ray_gives_the_same_files_as_the_local_engine(reference, tmp_path, ray_session, actors):
    recipe, expected = reference
    assert files(synthesize(recipe, tmp_path / "ray", RayEngine(actors))) == files(expected)


@pytest.mark.slow
def test_units_of_4_give_the_same_members_as_units_of_16(reference, tmp_path):
    recipe, expected = reference
    small = recipe.model_copy(update={"plan": recipe.plan.model_copy(update={"unit_size": 4})})
    dataset = synthesize(small, tmp_path / "small")
    assert len(list(dataset.shards.iterdir())) > len(list(expected.shards.iterdir()))
    assert members(dataset) == members(expected)


def test_every_trace_replays_to_the_same_pixels(reference):
    _, dataset = reference
    stored = members(dataset)
    rows = [row for row in ledger(dataset) if row.trace]
    assert len(rows) == 40
    for row in rows:
        image = replay(read_uri(row.uri), row.trace, partner=read_partner_of(row.trace, dataset))
        if row.verdict == "accepted":
            kept = np.array(Image.open(io.BytesIO(stored[f"{row.sample_key}.lq.png"])))
            assert np.array_equal(image, kept), row.sample_key


def test_no_sample_names_a_path_or_a_unit(reference, small_photos):
    _, dataset = reference
    for name, data in members(dataset).items():
        if name.endswith(".json"):
            assert str(small_photos).encode() not in data
            assert b'"unit"' not in data


def test_a_sample_does_not_depend_on_the_other_sources(reference, tmp_path, small_photos):
    recipe, dataset = reference
    one = sorted(small_photos.iterdir())[0]
    alone = recipe.model_copy(update={"sources": (recipe.sources[0].model_copy(update={"path": str(one)}),)})
    subset = members(synthesize(alone, tmp_path / "alone"))
    assert subset and subset.items() <= members(dataset).items()
