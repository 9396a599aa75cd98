"""A reflection mirrors another photograph of the same split."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pipeline.partners import Partners
from pipeline.planning import plan_rows
from pipeline.replay import read_partner_of, replay
from pipeline.sources.uri import read_uri
from schemas.recipe import Recipe
from schemas.source import SourceImage
from tests.pipeline.runs import ledger, members, only, synthesize


def source(number: int, **fields: object) -> SourceImage:
    digest = f"{number:064x}"
    defaults = {"uri": f"/photos/{number}.jpg", "sha256": digest, "size": 10, "clean_format": "jpg"}
    return SourceImage.model_validate({"key": f"{number:016x}", **defaults, **fields})


def test_never_itself_never_another_split_and_always_one_that_decodes():
    sources = [source(n, split="heldout" if n % 3 == 0 else "train") for n in range(1, 20)]
    sources += [
        source(50, clean_format=""),
        source(51, error="gone", sha256=""),
        source(1, uri="/b", duplicate_ordinal=1),
    ]
    good = {one.key: one for one in sources[:19]}
    partners = Partners(sources)
    seen = set()
    for one in good.values():
        for variant in range(20):
            other = partners.of(one, f"{one.key}-{variant}", seed=3)
            assert other is not None
            assert other.key != one.key
            assert other.split == one.split
            assert other.key in good
            seen.add(other.key)
    assert seen == set(good)


def test_the_order_of_the_sources_changes_nothing():
    sources = [source(n) for n in range(1, 9)]
    first, second = Partners(sources), Partners(sources[::-1])
    for one in sources:
        assert first.of(one, "key", 0) == second.of(one, "key", 0)
    assert len({first.of(sources[0], f"key-{n}", 0).key for n in range(40)}) > 3


def test_portraits_mirror_scenes_and_scenes_portraits():
    sources = [source(n, subject="portrait" if n % 2 else "scene") for n in range(1, 21)]
    partners = Partners(sources)
    for one in sources:
        assert {partners.of(one, f"k{n}", 0).subject for n in range(10)} == {
            "scene" if one.subject == "portrait" else "portrait"
        }


def test_a_lonely_photograph_has_none():
    assert Partners([source(1)]).of(source(1), "key", 0) is None
    two = [source(1), source(2)]
    assert {Partners(two).of(two[0], f"k{n}", 0).key for n in range(9)} == {two[1].key}


def test_the_plan_names_partners_for_reflections_where_the_recipe_wants_them():
    sources = [source(n) for n in range(1, 30)]
    wanted = Recipe.model_validate({"plan": {"variants": 12}, "degradations": {"reflection": {"partners": True}}})
    rows = plan_rows(sources, wanted)
    mirrored = [row for row in rows if row.degradation == "reflection"]
    assert mirrored
    assert all(row.partner_uri and row.partner_sha256 and row.partner_uri != row.uri for row in mirrored)
    assert not any(row.partner_uri for row in rows if row.degradation != "reflection")
    assert not any(row.partner_uri for row in plan_rows(sources, Recipe.model_validate({"plan": {"variants": 12}})))


def test_a_mirrored_photograph_is_in_the_trace_by_its_hash_and_replays(make_recipe, tmp_path):
    degradations = {**only("reflection"), "reflection": {"partners": True}}
    recipe = make_recipe(degradations=degradations, policy={"rules": []}, plan={"variants": 1})
    dataset = synthesize(recipe, tmp_path / "dataset")
    rows = [row for row in ledger(dataset) if row.trace and row.trace.steps]
    assert rows
    for row in rows:
        [cue] = row.trace.cues
        assert (cue.name, cue.provider) == ("partner", "source")
        assert cue.version not in ("", row.sha256)
        partner = read_partner_of(row.trace, dataset)
        image = replay(read_uri(row.uri), row.trace, partner=partner)
        stored = members(dataset)[f"{row.sample_key}.lq.png"]
        np.testing.assert_array_equal(image, np.array(Image.open(io.BytesIO(stored))))
    with pytest.raises(ValueError, match="photograph to mirror has the sha256"):
        replay(read_uri(rows[0].uri), rows[0].trace, partner=b"another")
