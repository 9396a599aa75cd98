"""The plan: shares, variants, splits and duplicates."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dataset import Dataset
from pipeline.engines.local import LocalEngine
from pipeline.planning import plan_rows
from pipeline.synthesize import prepare
from schemas.errors import RecipeError
from schemas.recipe import parse_recipe
from schemas.source import SourceImage


def source(number, **fields):
    key = f"{number * 2654435761 % 2**64:016x}"
    return SourceImage(**{"key": key, "uri": f"/{number}.png", "sha256": key * 4, "size": 1, **fields})


def test_a_source_meets_every_degradation_in_turn():
    names = parse_recipe({}).degradations.weights()
    recipe = parse_recipe({"plan": {"variants": 2 * len(names)}})
    rows = plan_rows([source(1)], recipe)
    assert set(Counter(row.degradation for row in rows).values()) == {2}


def test_weights_are_kept_over_many_sources():
    weights = dict.fromkeys(parse_recipe({}).degradations.weights(), 0)
    weights |= {"noise": 4, "blur": 3, "compression": 2, "haze": 1}
    recipe = parse_recipe({"degradations": {name: {"weight": weight} for name, weight in weights.items()}})
    rows = plan_rows([source(number) for number in range(5000)], recipe)
    counts = Counter(row.degradation for row in rows)
    assert "realesrgan" not in counts
    for name, weight in weights.items():
        assert counts[name] / 5000 == pytest.approx(weight / 10, abs=0.02)


@given(st.permutations(list(range(12))), st.integers(1, 7))
def test_rows_depend_on_neither_order_nor_neighbours_nor_unit_size(order, unit_size):
    recipe = parse_recipe({"plan": {"variants": 3, "unit_size": unit_size}})
    rows = plan_rows([source(number) for number in order], recipe)
    alone = plan_rows([source(order[0])], recipe)
    own = [row.model_copy(update={"unit": 0}) for row in rows if row.uri == f"/{order[0]}.png"]
    assert own == [row.model_copy(update={"unit": 0}) for row in alone]
    assert max(Counter(row.unit for row in rows).values()) <= unit_size


@given(st.floats(0, 1), st.floats(0, 1))
def test_severities_stay_in_their_range(a, b):
    low, high = sorted((a, b))
    recipe = parse_recipe({"plan": {"variants": 5, "severity_low": low, "severity_high": high}})
    for row in plan_rows([source(3)], recipe):
        assert low - 1e-4 <= row.severity <= high + 1e-4


def test_units_hold_one_split_and_one_target_format_each():
    recipe = parse_recipe({"plan": {"variants": 3, "unit_size": 4}})
    sources = [
        source(n, split="heldout" if n % 3 else "train", clean_format="jpg" if n % 2 else "png") for n in range(12)
    ]
    formats = {one.key: one.clean_format for one in sources}
    kinds = {}
    for row in plan_rows(sources, recipe):
        kind = (row.split, formats[row.source_key])
        assert kinds.setdefault(row.unit, kind) == kind
    assert sorted(kinds) == list(range(len(kinds)))


def test_keys_hold_no_dot():
    assert not any("." in row.sample_key for row in plan_rows([source(1)], parse_recipe({"plan": {"variants": 9}})))


def test_an_exact_duplicate_is_one_excluded_row():
    rows = plan_rows([source(1), source(1, duplicate_ordinal=1)], parse_recipe({"plan": {"variants": 2}}))
    assert [row.exclusion for row in rows].count("duplicate.exact") == 1
    assert len(rows) == len({row.sample_key for row in rows}) == 3


def test_near_duplicates_share_a_split_and_know_their_distance(tmp_path, small_photos):
    from PIL import Image

    photos = tmp_path / "photos"
    photos.mkdir()
    for path in small_photos.iterdir():
        with Image.open(path) as image:
            image.save(photos / f"{path.stem}.png")
            image.save(photos / f"{path.stem}-again.jpg", quality=60)
    recipe = parse_recipe({"sources": [{"path": str(photos)}], "plan": {"heldout": 0.5}})
    work = prepare(Dataset(tmp_path / "none"), recipe, LocalEngine())
    by_stem = {}
    for row in work.sources:
        by_stem.setdefault(row.uri.rsplit("/", 1)[1].split("-again")[0].split(".")[0], []).append(row)
    for pair in by_stem.values():
        assert pair[0].split == pair[1].split
        assert sorted(row.near_duplicate_distance <= 10 for row in pair) == [False, True]
    assert {row.split for row in work.sources} == {"train", "heldout"}
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.01, 1), (0.25, 2), (0.99, 7), (1.0, 8)])
def test_the_heldout_share_of_eight_sources(tmp_path, small_photos, share, count):
    recipe = parse_recipe({"sources": [{"path": str(small_photos)}], "plan": {"heldout": share}})
    work = prepare(Dataset(tmp_path / "none"), recipe, LocalEngine())
    assert sum(row.split == "heldout" for row in work.sources) == count


def test_a_recipe_without_sources_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="sources: empty; name at least one"):
        prepare(Dataset(tmp_path), parse_recipe({}), LocalEngine())
