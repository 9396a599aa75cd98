"""A changed recipe on an existing dataset is refused, naming the field that differs."""

import json

import pytest

from pipeline.dataset import Dataset
from schemas.errors import DatasetError
from schemas.recipe import parse_recipe
from tests.pipeline.runs import QUICK, files, synthesize


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"seed": 6}, "seed: 5 there, 6 here"),
        ({"plan": {"variants": 2}}, "plan.variants: 1 there, 2 here"),
        ({"degradations": {"blur": {"modes": {"web": 0.5}}}}, "degradations.blur.modes.web: 0.1 there, 0.5 here"),
        ({"policy": {"rules": []}}, "`tarnish decide`"),
    ],
)
def test_refused_with_the_field(make_recipe, tmp_path, sections, message):
    base = {"plan": {"variants": 1}}
    Dataset.create(tmp_path / "dataset", make_recipe(**base))
    with pytest.raises(DatasetError) as error:
        Dataset.create(tmp_path / "dataset", make_recipe(**{**base, **sections}))
    assert message in str(error.value)


def test_what_changes_no_content_is_taken(make_recipe, tmp_path):
    Dataset.create(tmp_path / "dataset", make_recipe(plan={"variants": 1}))
    Dataset.create(tmp_path / "dataset", make_recipe(plan={"variants": 1, "unit_size": 3}, name="other"))


def test_another_version_of_the_code_is_refused(make_recipe, tmp_path):
    dataset = Dataset.create(tmp_path / "dataset", make_recipe())
    described = json.loads(dataset.description.read_text())
    dataset.description.write_text(json.dumps({**described, "code_version": "0.0.1"}))
    with pytest.raises(DatasetError, match=r"made by tarnish 0\.0\.1"):
        Dataset.create(tmp_path / "dataset", make_recipe())


def test_a_folder_with_other_files_is_refused(make_recipe, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DatasetError, match=r"holds files but no dataset\.json"):
        Dataset.create(tmp_path, make_recipe())


def test_two_drivers_do_not_write_at_once(make_recipe, tmp_path):
    dataset = Dataset(tmp_path / "dataset")
    with dataset.writing(), pytest.raises(DatasetError, match="another run is writing here"), dataset.writing():
        pass


def test_a_finished_dataset_run_again_does_nothing(make_recipe, tmp_path):
    recipe = make_recipe(plan={"variants": 1})
    before = files(synthesize(recipe, tmp_path / "dataset"))
    assert files(synthesize(recipe, tmp_path / "dataset")) == before


def test_a_grown_source_set_adds_units_and_renumbers_none(tmp_path, small_photos):
    photos = tmp_path / "photos"
    photos.mkdir()
    paths = sorted(small_photos.iterdir())
    recipe = parse_recipe(
        {
            "sources": [{"path": str(photos)}],
            "plan": {"variants": 2, "unit_size": 4, "heldout": 0.3},
            "filters": QUICK,
        }
    )
    for path in paths[:4]:
        (photos / path.name).write_bytes(path.read_bytes())
    before = files(synthesize(recipe, tmp_path / "dataset"))
    for path in paths[4:]:
        (photos / path.name).write_bytes(path.read_bytes())
    dataset = synthesize(recipe, tmp_path / "dataset")
    after = files(dataset)
    assert before.items() <= after.items()
    assert sorted(path.name for path in dataset.plan.iterdir()) == ["part-0000.parquet", "part-0001.parquet"]
    numbers = sorted(dataset.done_units())
    assert numbers == list(range(len(numbers)))
