"""Cues in the pipeline: batched over a unit, kept by source, named in the trace, and the same whatever the batches."""

from __future__ import annotations

import io
import shutil
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from degradations.cues.cues import Cues
from degradations.cues.dpt import DptDepth
from jobs.cli import app
from pipeline.engines.ray_data import RayEngine
from pipeline.replay import replay
from pipeline.scenes import bare_scene, trace_cues, with_cues
from pipeline.sources.uri import read_uri
from pipeline.stages.degrade import Degrade
from schemas.errors import RecipeError, TarnishError
from schemas.recipe.cues import CuesSection
from schemas.recipe.degradations import DegradationsSection
from tests.pipeline.runs import files, ledger, members, synthesize
from tests.tiny_models import write_dpt


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_dpt(tmp_path_factory.mktemp("models") / "dpt")


@pytest.fixture
def hazy(make_recipe, model, tmp_path):
    """A recipe of haze alone, by a model, with two variants a source."""

    def make(**sections):
        weights = {name: {"weight": 0.0} for name in DegradationsSection().weights() if name != "haze"}
        cues = {"depth": {"provider": "dpt", "model": str(model)}, "device": "cpu", "cache": str(tmp_path / "cache")}
        return make_recipe(**{"degradations": weights, "plan": {"variants": 2}, "cues": cues, **sections})

    return make


class Counting:
    """A depth provider that counts the pictures of each call."""

    calls: ClassVar[list[int]] = []

    def __init__(self, provider, batch):
        self._provider, self.batch = provider, batch
        self.provider, self.version = provider.provider, provider.version

    def load(self):
        self._provider.load()

    def estimate(self, images):
        Counting.calls.append(len(images))
        return self._provider.estimate(images)


@pytest.fixture
def batches(monkeypatch):
    """Makes every worker ask for depth of `size` sources at once, and lists the pictures of each call."""

    def of(size):
        Counting.calls = []
        plain = Cues.__init__

        def init(self, section=None):
            plain(self, section)
            self.depth = Counting(self.depth, size)
            self.batch = size
            self._depths._size = self._masks._size = size

        monkeypatch.setattr(Cues, "__init__", init)
        return Counting.calls

    return of


def test_a_unit_is_batched_and_gives_what_items_give_alone(hazy, tmp_path, batches):
    recipe = hazy(cues={**hazy().cues.model_dump(), "cache": str(tmp_path / "one")})
    alone = synthesize(recipe, tmp_path / "alone")
    calls = batches(3)
    other = recipe.model_copy(update={"cues": recipe.cues.model_copy(update={"cache": str(tmp_path / "three")})})
    together = synthesize(other, tmp_path / "together")
    assert max(calls) == 3 and sum(calls) == 8  # each source once, three at a time
    assert members(together) == members(alone)
    assert [repr(row) for row in ledger(together)] == [repr(row) for row in ledger(alone)]


def test_the_cache_outlives_the_dataset(hazy, tmp_path, batches):
    calls = batches(1)
    synthesize(hazy(), tmp_path / "first")
    assert calls == [1] * 8  # two variants of eight sources
    calls.clear()
    synthesize(hazy(seed=6), tmp_path / "second")
    assert calls == []


def test_the_trace_names_the_model_and_replays_with_it_alone(hazy, model, tmp_path):
    recipe = hazy()
    dataset = synthesize(recipe, tmp_path / "dataset")
    version = DptDepth(str(model), "cpu").version
    stored = members(dataset)
    rows = ledger(dataset)
    assert len(rows) == 16 and any(row.verdict == "accepted" for row in rows)
    for row in rows:
        assert [(cue.name, cue.provider, cue.version) for cue in row.trace.cues if cue.name == "depth"] == [
            ("depth", "dpt", version)
        ]
        if row.verdict == "accepted":
            again = replay(read_uri(row.uri), row.trace, cues=recipe.cues)
            with Image.open(io.BytesIO(stored[f"{row.sample_key}.lq.png"])) as kept:
                assert np.array_equal(again, np.array(kept))
    with pytest.raises(RecipeError, match=r"cues\.depth\.provider: 'prior', but the trace was made with 'dpt'"):
        replay(read_uri(rows[0].uri), rows[0].trace)
    other = write_dpt(tmp_path / "other", seed=1)
    section = CuesSection.model_validate({"depth": {"provider": "dpt", "model": str(other)}, "device": "cpu"})
    with pytest.raises(RecipeError, match="the trace was made with " + version):
        replay(read_uri(rows[0].uri), rows[0].trace, cues=section)


def test_the_command_replays_with_the_datasets_recipe(hazy, tmp_path):
    dataset = synthesize(hazy(), tmp_path / "dataset")
    row = ledger(dataset)[0]
    out = tmp_path / "replay.png"
    result = CliRunner().invoke(app, ["replay", str(dataset.root), row.sample_key, "--out", str(out)])
    assert result.exit_code == 0, result.output
    with Image.open(out) as image:
        assert image.size == (288, 288)


def test_a_batch_that_fails_costs_only_the_items_that_fail(hazy, tmp_path, batches, monkeypatch):
    """One source cannot be estimated: its variants fail with the reason, those beside it in the batch are made."""
    batches(4)
    seen = Counting.estimate

    def estimate(self, images):
        if any(image[0, 0, 0] == image[0, 0, 1] for image in images):
            raise MemoryError("no room")
        return seen(self, images)

    monkeypatch.setattr(Counting, "estimate", estimate)
    rows = ledger(synthesize(hazy(), tmp_path / "dataset"))
    assert len(rows) == 16
    for row in rows:
        with Image.open(row.uri) as image:
            red, green, _ = image.convert("RGB").getpixel((0, 0))
        assert (row.reason == "failed.degrade") == (red == green), row
    assert {row.error for row in rows if row.reason == "failed.degrade"} <= {"MemoryError: no room"}


def test_what_needs_no_cue_asks_for_none(make_recipe, tmp_path, batches):
    calls = batches(4)
    weights = {name: {"weight": 0.0} for name in DegradationsSection().weights() if name != "compression"}
    synthesize(make_recipe(degradations=weights), tmp_path / "dataset")
    assert calls == []


def test_embedded_cues_look_ahead_at_nothing(make_recipe):
    assert Degrade(make_recipe()).sources == 1


def test_masks_reach_scene_and_trace(photo_paths):
    image = np.array(Image.open(photo_paths[0]).convert("RGB"))
    needs = frozenset({"depth", "masks"})
    scene = with_cues(bare_scene(image), image, needs)
    assert scene.depth is not None and scene.masks is not None
    told = [(cue.name, cue.provider, cue.version) for cue in trace_cues(scene, needs)]
    assert told == [("depth", "prior", "1"), ("masks", "superpixels", "1")]
    assert with_cues(bare_scene(image), image, frozenset()).masks is None


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"depth": {"provider": "dpt", "model": "/nowhere"}}, "cues.depth.model: '/nowhere' is no folder here"),
        ({"masks": {"provider": "sam2", "checkpoint": "/x.pt", "config": "sam2.1_hiera_t"}}, "cues.masks.checkpoint: "),
    ],
)
def test_a_model_that_is_not_there_stops_the_run_before_any_work(make_recipe, tmp_path, override, message):
    with pytest.raises(RecipeError) as error:
        synthesize(make_recipe(cues=override), tmp_path / "dataset")
    assert message in str(error.value)
    assert not (tmp_path / "dataset/ledger").exists()


def test_a_model_that_does_not_load_ends_the_run_and_not_every_row(hazy, model, tmp_path):
    broken = shutil.copytree(model, tmp_path / "broken")
    weights = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(RecipeError, match=r"cues\.depth\.model: .* cannot be loaded"):
        synthesize(hazy(cues={"depth": {"provider": "dpt", "model": str(broken)}, "device": "cpu"}), tmp_path / "out")
    assert not any((tmp_path / "out/ledger").iterdir())


def test_a_gpu_that_no_worker_holds(hazy, tmp_path):
    cues = {**hazy().cues.model_dump(), "device": "cuda"}
    with pytest.raises(RecipeError, match=r"cues\.device: 'cuda', but the ray engine gives a worker no GPU"):
        synthesize(hazy(cues=cues, engine={"kind": "ray"}), tmp_path / "dataset")


@pytest.mark.slow
def test_ray_gives_the_same_files(hazy, tmp_path, ray_session):
    here = files(synthesize(hazy(), tmp_path / "here"))
    recipe = hazy(cues={**hazy().cues.model_dump(), "cache": str(tmp_path / "other")})
    there = files(synthesize(recipe, tmp_path / "ray", RayEngine(1)))
    assert there.keys() == here.keys()
    assert [name for name in here if here[name] != there[name]] == ["recipe.yaml"]  # which names the cache


@pytest.mark.slow
def test_gpus_that_ray_does_not_have(ray_session):
    with pytest.raises(TarnishError, match=r"engine\.worker_gpus: 1\.0, but Ray has 0 GPUs"):
        list(RayEngine(1).run([b"x"], bytes, (), 1.0))
