"""Real photographs: sorted, scored, given a reference, judged, and left to people."""

from __future__ import annotations

import io
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from degradations.chain import apply_chain, draw_chain, needed_cues
from filters.decoding import decode
from jobs.harvest import run_harvest
from pipeline.dataset import Dataset
from pipeline.decide import decide_dataset
from pipeline.engines.local import LocalEngine
from pipeline.scenes import bare_scene, with_cues
from pipeline.shards.reader import ShardReader
from schemas.errors import DatasetError, RecipeError
from schemas.recipe import parse_recipe
from schemas.recipe.degradations import DegradationsSection
from schemas.review import ReviewRow
from schemas.thumbnail import Thumbnail
from tests.filters.judge_server import right, says, serving
from tests.pipeline.runs import files, ledger, members

#: On a photograph, on its reference, on the pair.
RULES = [
    {"score": "input.short_side", "min": 200},
    {"score": "input.semantics", "min": 0.01},
    {"score": "reference.sharpness", "min": 0.3},
    {"score": "pair.aspect_difference", "max": 0.02},
]


@pytest.fixture(scope="module")
def found(tmp_path_factory, small_photos):
    """(photographs with haze, their clean references): one has no reference, one's has another shape, one is small,
    one is no picture."""
    root = tmp_path_factory.mktemp("harvest")
    photos, references = root / "photos", root / "references"
    photos.mkdir(), references.mkdir()
    section = DegradationsSection()
    for number, path in enumerate(sorted(small_photos.iterdir())):
        clean = decode(path.read_bytes(), 10**7).pixels
        if number == 5:
            clean = np.ascontiguousarray(clean[:150, :150])
        scene = bare_scene(clean)
        steps = draw_chain(["haze"], section, scene, 0.8, 3, f"k{number}")
        hazy = apply_chain(clean, steps, with_cues(scene, clean, needed_cues(steps)))
        Image.fromarray(hazy).save(photos / f"{path.stem}.jpg", quality=95)
        if number == 7:
            continue
        shown = {4: clean[:200], 2: cv2.resize(clean, (144, 144), interpolation=cv2.INTER_AREA)}.get(number, clean)
        Image.fromarray(shown).save(references / f"{path.stem}.png")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    return photos, references


@pytest.fixture
def recipe_of(found):
    photos, references = found

    def make(**sections):
        data = {
            "sources": [{"path": str(photos), "degradation": "haze"}],
            "harvest": {"generator": {"kind": "folder", "path": str(references)}},
            "filters": {"watermark": {"provider": "overlay"}},
            "policy": {"rules": RULES, "review": ["real"]},
            **sections,
        }
        return parse_recipe(data)

    return make


def harvest(recipe, out, engine=None):
    run_harvest(recipe, out, engine or LocalEngine(), Console(quiet=True))
    return Dataset.open(out)


@pytest.fixture(scope="module")
def harvested(found, tmp_path_factory):
    photos, references = found
    recipe = parse_recipe(
        {
            "sources": [{"path": str(photos), "degradation": "haze"}],
            "harvest": {"generator": {"kind": "folder", "path": str(references)}},
            "filters": {"watermark": {"provider": "overlay"}},
            "policy": {"rules": RULES, "review": ["real"]},
        }
    )
    return recipe, harvest(recipe, tmp_path_factory.mktemp("harvested") / "dataset")


def test_every_photograph_is_one_row_with_exact_reasons(harvested, found):
    _, dataset = harvested
    rows = {row.uri.rpartition("/")[2]: row for row in ledger(dataset)}
    names = sorted(path.stem for path in found[0].iterdir() if path.stem != "broken")
    assert len(rows) == 9
    expected = {f"{name}.jpg": ["review.pending"] for name in names}
    expected[f"{names[4]}.jpg"] = ["pair.aspect_difference.high"]
    expected[f"{names[5]}.jpg"] = ["input.short_side.low"]
    expected[f"{names[7]}.jpg"] = ["reference.missing"]
    expected["broken.jpg"] = [rows["broken.jpg"].reason]
    assert rows["broken.jpg"].reason.startswith("decode.")
    assert {name: row.reasons for name, row in rows.items()} == expected
    assert names[7] in rows[f"{names[7]}.jpg"].error


def test_rows_say_what_ran_and_what_was_seen(harvested, found):
    _, dataset = harvested
    for row in ledger(dataset):
        assert row.role == "real" and row.sample_key.endswith(("-real",))
        if not row.scores:
            continue
        assert row.degradation == row.task == "haze"
        assert [label.partition(":")[0] for label in row.filters][:2] == ["semantics=statistics", "watermark=overlay"]
        assert sum(value for name, value in row.scores.items() if name.startswith("input.semantics.")) == pytest.approx(
            1, abs=1e-6
        )
        if row.trace is not None:
            assert [(cue.name, cue.provider) for cue in row.trace.cues] == [("reference", "folder")]
            assert "pair.strength" in row.scores and "reference.semantics.clean" in row.scores
    enlarged = [row.scores.get("reference.enlargement") for row in ledger(dataset)]
    assert 2.0 in enlarged


def test_a_reference_that_comes_later_is_found(found, tmp_path, recipe_of):
    references = found[1]
    late = tmp_path / "references"
    shutil.copytree(references, late)
    recipe = recipe_of(harvest={"generator": {"kind": "folder", "path": str(late)}})
    dataset = harvest(recipe, tmp_path / "dataset")
    lone = next(row for row in ledger(dataset) if row.reasons == ["reference.missing"])
    assert lone.unscored[0].startswith("reference: NoReference")
    photo = Image.open(lone.uri)
    photo.save(late / f"{lone.uri.rpartition('/')[2].removesuffix('.jpg')}.png")
    again = {row.sample_key: row for row in ledger(harvest(recipe, tmp_path / "dataset"))}
    assert again[lone.sample_key].reasons == ["review.pending"] and not again[lone.sample_key].unscored


def test_a_recipe_that_does_not_work_leaves_the_folder_free(recipe_of, tmp_path):
    with pytest.raises(RecipeError):
        harvest(recipe_of(harvest={"generator": {"kind": "folder", "path": "/nowhere"}}), tmp_path / "dataset")
    assert len(ledger(harvest(recipe_of(), tmp_path / "dataset"))) == 9


def test_people_make_the_pairs(harvested, tmp_path):
    recipe, dataset = harvested
    copy = tmp_path / "dataset"
    shutil.copytree(dataset.root, copy)
    dataset = Dataset.open(copy)
    assert members(dataset) == {}
    waiting = [row.sample_key for row in ledger(dataset) if row.reasons == ["review.pending"]]
    kept = {one.sample_key for part in dataset.thumbnails.glob("*.parquet") for one in Thumbnail.read_parquet(part)}
    assert set(waiting) <= kept
    decide_dataset(dataset, recipe.policy, [ReviewRow(sample_key=key, decision="accept") for key in waiting[:2]])
    from typer.testing import CliRunner

    from jobs.cli import app

    done = CliRunner().invoke(app, ["pack", str(copy), "--out", str(tmp_path / "packed")])
    assert done.exit_code == 0, done.output
    reader = ShardReader(tmp_path / "packed")
    assert sorted(reader.keys) == sorted(waiting[:2])
    assert reader.roles == ["real"] * 2
    sample = reader[0]
    degraded, clean = (np.array(Image.open(io.BytesIO(data))) for data in (sample.degraded, sample.clean))
    assert degraded.shape == clean.shape
    assert sample.meta["task"] == "haze" and sample.meta["prompts"]["en"] == "Please dehaze the image."


def test_without_review_accepted_pairs_are_in_the_shards_at_once(recipe_of, tmp_path, harvested):
    dataset = harvest(recipe_of(policy={"rules": RULES}), tmp_path / "dataset")
    accepted = [row for row in ledger(dataset) if row.verdict == "accepted"]
    assert len(accepted) == 5
    assert {name.partition(".")[2] for name in members(dataset)} == {"lq.png", "gt.png", "json", "text.json"}
    decided = decide_dataset(harvested[1], recipe_of(policy={"rules": RULES}).policy, write=False)
    assert dict(zip(decided.rows["sample_key"].to_pylist(), decided.rows["reasons"].to_pylist(), strict=True)) == {
        row.sample_key: row.reasons for row in ledger(dataset)
    }


def test_photographs_are_named_by_what_they_show(recipe_of, found, tmp_path):
    recipe = recipe_of(sources=[{"path": str(found[0])}], harvest={"degradations": ["haze", "rain"]})
    rows = [row for row in ledger(harvest(recipe, tmp_path / "dataset")) if row.scores]
    assert {row.degradation for row in rows} <= {"haze", "rain"}
    for row in rows:
        likely = {name: row.scores[f"input.semantics.{name}"] for name in ("haze", "rain")}
        assert row.scores["input.semantics"] == max(likely.values()) == likely[row.degradation]


def test_photographs_are_shrunk_before_anything_is_scored(recipe_of, tmp_path):
    recipe = recipe_of(harvest={"pixels": 40_000, "generator": {"kind": "none"}})
    rows = [row for row in ledger(harvest(recipe, tmp_path / "dataset")) if row.scores]
    assert {row.scores["input.width"] * row.scores["input.height"] for row in rows} == {40_000.0, 22_500.0}


@pytest.mark.slow
def test_ray_gives_the_same_dataset(harvested, tmp_path, ray_session):
    from pipeline.engines.ray_data import RayEngine

    recipe, dataset = harvested
    assert files(harvest(recipe, tmp_path / "dataset", RayEngine(2))) == files(dataset)


def test_people_cannot_accept_a_photograph_without_a_reference(harvested):
    recipe, dataset = harvested
    lone = next(row for row in ledger(dataset) if row.reasons == ["reference.missing"])
    with pytest.raises(DatasetError, match=r"which is no pair \(reference.missing\)"):
        decide_dataset(dataset, recipe.policy, [ReviewRow(sample_key=lone.sample_key, decision="accept")], write=False)


def test_the_judge_sees_photograph_and_reference(recipe_of, tmp_path):
    """The whole route with a judge: unsuitable photographs go first, the gain of the others is scored."""

    def behave(request):
        text = request["messages"][0]["content"][1]["text"]
        if "Collage" in text:
            return right(request)
        behave.asked += 1
        return says("Degradation Score: 2" if behave.asked <= 8 else "Degradation Score: 5")

    behave.asked = 0
    with serving() as server:
        server.behave = behave
        judge = {
            "provider": "endpoint",
            "model": "m",
            "url": server.url,
            "concurrency": 1,
            "cache": str(tmp_path / "c"),
        }
        rules = [{"score": "input.judge.degradation", "max": 3}, {"score": "pair.judge_gain", "min": 2}]
        recipe = recipe_of(
            filters={"watermark": {"provider": "overlay"}, "judge": judge},
            policy={"rules": rules},
            harvest={"generate": "all", "generator": recipe_of().harvest.generator.model_dump()},
        )
        rows = [row for row in ledger(harvest(recipe, tmp_path / "dataset")) if row.scores]
    paired = [row for row in rows if row.trace is not None]
    assert len(paired) == 7
    for row in paired:
        assert row.scores["input.judge.degradation"] == 2 and row.scores["reference.judge.degradation"] == 5
        assert row.scores["pair.judge_gain"] == 3 and row.scores["input.judge.collage"] == 0
        assert row.verdict == "accepted"
        assert row.answers["input.judge.degradation.raw"] == '["Degradation Score: 2"]'


def test_references_that_two_photographs_would_share_are_refused(recipe_of, found, tmp_path):
    photos, _ = found
    twin = tmp_path / "more"
    twin.mkdir()
    first = sorted(photos.glob("*.jpg"))[0]
    Image.open(first).rotate(180).save(twin / first.name)
    sources = [{"path": str(photos), "degradation": "haze"}, {"path": str(twin), "degradation": "haze"}]
    with pytest.raises(RecipeError, match=f"share the name {first.stem}; name their references by sample key"):
        harvest(recipe_of(sources=sources), tmp_path / "dataset")


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"harvest": {"degradations": ["fog"]}}, "harvest.degradations: 'fog' is no task"),
        (
            {"harvest": {"generator": {"kind": "folder", "path": "/nowhere"}}},
            "harvest.generator.path: '/nowhere' is no folder",
        ),
        ({"sources": [{"path": ".", "degradation": "fog"}]}, "sources.0.degradation: 'fog' is no task"),
        ({"sources": []}, "sources: empty"),
    ],
)
def test_what_cannot_be_harvested_is_told_before_any_work(recipe_of, tmp_path, sections, message):
    with pytest.raises(RecipeError, match=message):
        harvest(recipe_of(**sections), tmp_path / "dataset")


def test_a_generator_is_named_whole():
    with pytest.raises(RecipeError, match="kind 'http' needs url; give one"):
        parse_recipe({"harvest": {"generator": {"kind": "http", "model": "m"}}})
