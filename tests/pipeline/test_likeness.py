"""Similar sources and benchmark pictures, from files to the plan."""

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from filters.embedding import layout_embedding
from pipeline.engines.local import LocalEngine
from pipeline.manifest import scan_sources
from pipeline.planning import plan_rows
from schemas.errors import RecipeError
from schemas.plan import PlanRow
from schemas.recipe import parse_recipe
from schemas.source import SourceImage


@pytest.fixture
def folders(tmp_path, small_photos):
    """sources: eight photographs, one mirrored, one cropped. benchmark: two of the photographs."""
    sources, benchmark = tmp_path / "sources", tmp_path / "benchmark"
    sources.mkdir()
    benchmark.mkdir()
    paths = sorted(small_photos.iterdir())
    for path in paths:
        (sources / path.name).write_bytes(path.read_bytes())
    pictures = [cv2.imread(str(path)) for path in paths]
    cv2.imwrite(str(sources / "mirrored.png"), pictures[0][:, ::-1])
    cv2.imwrite(str(sources / "cropped.png"), pictures[1][20:230, 30:250])
    for path in paths[1:3]:
        (benchmark / path.name).write_bytes(path.read_bytes())
    return sources, benchmark, paths


def recipe_of(sources, **plan):
    return parse_recipe({"sources": [{"path": str(sources)}], "plan": plan})


def by_name(rows):
    return {row.uri.rsplit("/", 1)[1]: row for row in rows}


def test_mirrored_copies_are_similar_and_stay_in_one_split(folders):
    sources, _, paths = folders
    rows = by_name(scan_sources(recipe_of(sources, heldout=0.4, validation=0.3), [], LocalEngine()))
    mirrored, original = rows["mirrored.png"], rows[paths[0].name]
    later, earlier = sorted((mirrored, original), key=lambda row: row.key, reverse=True)
    assert later.similar_to == earlier.key and later.similarity > 0.98
    assert later.split == earlier.split
    others = [row for row in rows.values() if row is not later and row.similarity > 0.8]
    assert {row.uri.rsplit("/", 1)[1] for row in others} <= {"cropped.png", paths[1].name}


def test_a_grown_manifest_keeps_its_rows_and_finds_what_came_before(folders, tmp_path):
    sources, _, paths = folders
    (sources / "mirrored.png").rename(tmp_path / "mirrored.png")
    recipe = recipe_of(sources)
    known = scan_sources(recipe, [], LocalEngine())
    (tmp_path / "mirrored.png").rename(sources / "mirrored.png")
    fresh = scan_sources(recipe, known, LocalEngine())
    assert [row.uri.rsplit("/", 1)[1] for row in fresh] == ["mirrored.png"]
    assert fresh[0].similar_to == by_name(known)[paths[0].name].key
    assert fresh[0].similarity > 0.98
    assert fresh[0].split == by_name(known)[paths[0].name].split


def test_benchmark_pictures_are_excluded_with_their_name_and_why(folders):
    sources, benchmark, paths = folders
    recipe = recipe_of(sources, benchmarks=[str(benchmark)], benchmark_similarity=0.8)
    rows = scan_sources(recipe, [], LocalEngine())
    named = by_name(rows)
    assert named[paths[1].name].leak == f"same bytes as {benchmark / paths[1].name}"
    assert named["cropped.png"].leak.startswith("embedding similarity 0.")
    assert named["cropped.png"].leak.endswith(f"to {benchmark / paths[1].name}")
    leaking = {name for name, row in named.items() if row.leak}
    assert leaking == {paths[1].name, paths[2].name, "cropped.png"}
    planned = plan_rows(rows, recipe)
    excluded = {row.source_key: row for row in planned if row.exclusion}
    assert {key: row.exclusion_error for key, row in excluded.items()} == {
        row.key: row.leak for row in rows if row.leak
    }
    assert {row.exclusion for row in excluded.values()} == {"leak.benchmark"}
    assert len({row.sample_key for row in planned}) == len(planned)
    assert not {row.partner_sha256 for row in planned} & {row.sha256 for row in rows if row.leak}


def test_similarity_reaches_the_plan(folders):
    sources, _, _ = folders
    recipe = recipe_of(sources)
    rows = scan_sources(recipe, [], LocalEngine())
    planned = {row.source_key: row for row in plan_rows(rows, recipe)}
    assert {key: (row.similar_to, row.similarity) for key, row in planned.items()} == {
        row.key: (row.similar_to, row.similarity) for row in rows
    }


def test_a_single_file_and_a_glob_name_benchmarks_too(folders):
    sources, benchmark, paths = folders
    recipe = recipe_of(sources, benchmarks=[str(benchmark / paths[1].name), f"{benchmark}/{paths[2].stem}.*"])
    leaking = {name for name, row in by_name(scan_sources(recipe, [], LocalEngine())).items() if row.leak}
    assert leaking >= {paths[1].name, paths[2].name}


def test_benchmarks_that_cannot_be_read_end_the_run_before_it_starts(folders):
    sources, benchmark, _ = folders
    with pytest.raises(RecipeError, match=r"plan\.benchmarks: '.*nowhere' cannot be listed"):
        scan_sources(recipe_of(sources, benchmarks=[str(benchmark / "nowhere")]), [], LocalEngine())
    (benchmark / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(RecipeError, match=r"plan\.benchmarks: .*torn.png cannot be read .* its leak would go unseen"):
        scan_sources(recipe_of(sources, benchmarks=[str(benchmark)]), [], LocalEngine())


def test_manifests_and_plans_without_the_columns_still_read(folders, tmp_path):
    sources, _, _ = folders
    recipe = recipe_of(sources)
    rows = scan_sources(recipe, [], LocalEngine())
    new = ["embedding", "similar_to", "similarity", "leak"]
    pq.write_table(SourceImage.to_table(rows).drop_columns(new), tmp_path / "old.parquet")
    old = SourceImage.read_parquet(tmp_path / "old.parquet")
    assert {(row.embedding, row.similar_to, row.similarity, row.leak) for row in old} == {(b"", "", 0.0, "")}
    pq.write_table(PlanRow.to_table(plan_rows(rows, recipe)).drop_columns(new[1:3]), tmp_path / "plan.parquet")
    assert {row.similarity for row in PlanRow.read_parquet(tmp_path / "plan.parquet")} == {0.0}
    (sources / "again.png").write_bytes((sources / "mirrored.png").read_bytes() + b"\0")
    fresh = scan_sources(recipe, old, LocalEngine())
    assert fresh[0].embedding and fresh[0].similar_to == ""  # the old rows have nothing to compare with


def test_no_embedding_where_the_recipe_wants_none(folders):
    sources, benchmark, paths = folders
    recipe = recipe_of(sources, embedding={"provider": "none"}, benchmarks=[str(benchmark)])
    rows = by_name(scan_sources(recipe, [], LocalEngine()))
    assert {(row.embedding, row.similar_to, row.similarity) for row in rows.values()} == {(b"", "", 0.0)}
    assert {name for name, row in rows.items() if row.leak} == {paths[1].name, paths[2].name}


def test_open_clip_embeds_in_batches_of_any_size(folders, tmp_path):
    pytest.importorskip("open_clip")
    from tests.filters.clip_models import FEATURES, register, write_clip

    sources, _, _ = folders
    (sources / "torn.png").write_bytes(b"")
    embedding = {
        "provider": "open_clip",
        "model": register(tmp_path / "clip"),
        "checkpoint": str(write_clip(tmp_path / "weights")),
    }
    filters = {"device": "cpu"}
    found = []
    for batch in (1, 3, 16):
        recipe = recipe_of(sources, embedding=embedding).model_dump()
        recipe = parse_recipe(recipe | {"filters": filters | {"batch": batch}})
        found.append(scan_sources(recipe, [], LocalEngine()))
    assert found[0] == found[1] == found[2]
    rows = [row for row in found[0] if row.size > 0]
    embeddings = np.frombuffer(b"".join(row.embedding for row in rows), np.float16).reshape(len(rows), FEATURES)
    assert np.linalg.norm(embeddings.astype(float), axis=1) == pytest.approx(np.ones(len(rows)), abs=2e-3)
    assert not by_name(found[0])["torn.png"].embedding


def test_a_model_that_cannot_be_named_is_told_before_any_worker_starts(folders):
    pytest.importorskip("open_clip")
    sources, _, _ = folders
    recipe = recipe_of(sources, embedding={"provider": "open_clip", "model": "ViT-B-23", "checkpoint": "x"})

    class NoEngine(LocalEngine):
        def run(self, *arguments):
            raise AssertionError("a worker was started")

    with pytest.raises(RecipeError, match=r"plan\.embedding\.model: .* no architecture 'ViT-B-23'"):
        scan_sources(recipe, [], NoEngine())
    with pytest.raises(RecipeError, match="provider 'open_clip' needs a model"):
        recipe_of(sources, embedding={"provider": "open_clip"})
    with pytest.raises(RecipeError, match="used by provider 'open_clip' alone"):
        recipe_of(sources, embedding={"model": "ViT-B-32"})


def test_the_embedding_is_that_of_the_picture(folders):
    sources, _, paths = folders
    row = by_name(scan_sources(recipe_of(sources), [], LocalEngine()))[paths[0].name]
    pixels = cv2.imread(str(paths[0]))[:, :, ::-1]
    assert row.embedding == layout_embedding(np.ascontiguousarray(pixels)).tobytes()
