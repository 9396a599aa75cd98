"""Filling the cache ahead leaves nothing for training to encode."""

import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from jobs.cli import app
from schemas.errors import DatasetError, RecipeError
from schemas.recipe.training import KontextSection, StageSection, TrainingSection, ValidationSection
from tests.training.shards import MadePair, write_dataset
from tests.training.tiny_kontext import write_kontext
from training.data.batches import batches, drawn
from training.data.pairs import PairSet, PixelCache
from training.data.sets import open_validation_sets
from training.editors import build_editor
from training.editors.base import EditorConfig
from training.editors.loading import load_weights
from training.editors.tiny import PixelEditor
from training.encode import Filling, without_weights
from training.encodings import Encoder
from training.parallel import World
from training.validation import Validation

CPU = torch.device("cpu")


def pair(number: int, task: str, split: str = "train") -> MadePair:
    sides = [(40, 40), (32, 64), (64, 32)][number % 3]
    image = np.random.default_rng(number).integers(0, 256, (*sides, 3), dtype=np.uint8)
    return MadePair(f"key{number}", task, task, split, image, image[::-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pairs = [pair(number, task) for number, task in enumerate(["noise", "blur", "haze", "noise", "blur"])]
    return write_dataset(tmp_path_factory.mktemp("encode") / "set", [*pairs, pair(6, "noise", "validation")])


@pytest.fixture
def recipe(folder, tmp_path):
    def make(**data) -> TrainingSection:
        kept = {"fit": "bucket", "cache": str(tmp_path / "cache"), "cache_latents": True, **data}
        stage = {"steps": 12, "batch_size": 2, "microbatch": 1}
        return TrainingSection.model_validate(
            {
                "editor": {"kind": "tiny", "heads": 1, "double_blocks": 1, "single_blocks": 1, "words": 64},
                "datasets": {"synthetic": [str(folder)]},
                "crop": 64,
                "data": kept,
                "stages": {"transfer": stage},
            }
        )

    return make


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    tasks = ["noise", "blur", "haze"]
    pairs = [pair(number, tasks[number % 3]) for number in range(60)]
    checks = [pair(number, "noise", "validation") for number in (60, 61)]
    return write_dataset(tmp_path_factory.mktemp("many") / "set", [*pairs, *checks])


def trained_encoder(training, monkeypatch):
    """An encoder that has served all stages, and the requests and pictures that it had to encode."""
    made = []
    requests, encode = PixelEditor.encode_requests, PixelEditor.encode
    monkeypatch.setattr(PixelEditor, "encode_requests", lambda self, r: [made.extend(r), requests(self, r)][1])
    monkeypatch.setattr(PixelEditor, "encode", lambda self, pixels: [made.append(pixels), encode(self, pixels)][1])
    return served(training), made


def served(training):
    """An encoder that has served all stages."""
    editor, sets = build_editor(EditorConfig.of(training), 0), opened(training)
    load_weights(editor, CPU, editor.base_weights() or {}, False)
    encoder = Encoder(editor, training.data, "0")
    for name, stage in training.stages.items():
        for step in batches(sets, stage, training, f"0/{name}"):
            for batch in step:
                encoder(batch)
    return encoder


def opened(training):
    return {"synthetic": PairSet.open("synthetic", training.datasets["synthetic"], "train", PixelCache(0))}


def cached(folder):
    return {path.name for path in folder.glob("??/*.safetensors")}


ALL = {"languages": {"en": 1, "zh": 1}, "drop_prompt": 0.3, "drop_picture": 0.3}
STYLED = {**ALL, "fit": "square", "web_style": 0.5, "cache_latents": False}


@pytest.mark.parametrize("data", [{}, {"fit": "square", "mirror": False}, ALL])
def test_training_finds_all_that_it_asks_for(recipe, data, monkeypatch):
    training = recipe(**data)
    assert list(Filling(training, 0, CPU).fill()) == ["encoded"] * 6
    encoder, made = trained_encoder(training, monkeypatch)
    assert made == []
    assert encoder.cache.counts.found > 0


@pytest.mark.parametrize("data", [{}, {"fit": "square"}, ALL, STYLED], ids=["bucket", "square", "all", "styled"])
@pytest.mark.parametrize("editor", ["tiny", "kontext"])
def test_nothing_is_encoded_that_is_not_asked_for(recipe, many, tmp_path, data, editor):
    stages = {
        "transfer": StageSection(steps=9, batch_size=4, microbatch=2),
        "finetune": StageSection(steps=5, batch_size=2, microbatch=1, tasks={"haze": 1.0}),
    }
    validation = ValidationSection(samples=1, steps=1, guidance=2.0)
    changes = {"datasets": {"synthetic": (str(many),)}, "stages": stages, "validation": validation}
    if editor == "kontext":
        changes["editor"] = KontextSection(model=str(write_kontext(tmp_path / "kontext")))
    training = recipe(**data).model_copy(update=changes)
    list(Filling(training, 0, CPU).fill())
    filled = cached(tmp_path / "cache")
    asked = training.model_copy(update={"data": training.data.model_copy(update={"cache": str(tmp_path / "asked")})})
    encoder = served(asked)
    Validation(open_validation_sets(asked, asked.datasets), asked)(encoder, World(0, 1, CPU, None))
    assert filled == cached(tmp_path / "asked")


def test_of_many_pairs_only_those_drawn_are_encoded(recipe, many):
    training = recipe().model_copy(update={"datasets": {"synthetic": (str(many),)}})
    filling = Filling(training, 0, CPU)
    assert (len(filling.entries), filling.samples, filling.prompts) == (26, 26, [])


@pytest.mark.parametrize("data", [{}, STYLED, {**STYLED, "fit": "crop"}])
def test_what_will_be_asked_is_told_without_reading(recipe, many, monkeypatch, data):
    training = recipe(**{"cache_latents": False, **data})
    training = training.model_copy(update={"datasets": {"synthetic": (str(many),)}})
    sets = opened(training)
    told = drawn(sets, training.stages["transfer"], training, "0/transfer", 1)
    for step in batches(sets, training.stages["transfer"], training, "0/transfer"):
        for batch in step:
            (place,), (request,), (identity,) = batch.places, batch.requests, batch.identities
            with monkeypatch.context() as without:
                without.setattr(PairSet, "_read", None)
                asked = told.samples.asked(place)
            assert (asked.prompt, asked.picture) == (request.prompt, request.picture is not None)
            assert (identity is None) == (asked.styled or training.data.fit == "crop")
            if identity is not None:
                assert identity.startswith(sets["synthetic"].keys[asked.position] + "-")
                assert identity.endswith(f"/m{int(asked.mirrored)}")


def test_what_is_there_is_not_encoded_again(recipe):
    training = recipe()
    filling = Filling(training, 0, CPU).fill()
    assert [next(filling), next(filling)] == ["encoded", "encoded"]
    filling.close()
    assert list(Filling(training, 0, CPU).fill()) == ["found"] * 2 + ["encoded"] * 4
    # Validation asks in English whatever is trained on.
    assert list(Filling(recipe(languages={"zh": 1}), 0, CPU).fill()) == ["encoded"] * 5 + ["found"]


def test_processes_share_the_pairs(recipe):
    training = recipe()
    shares = [list(Filling(training, 0, CPU).fill(rank, 2)) for rank in range(2)]
    assert shares == [["encoded"] * 3, ["encoded"] * 3]
    assert list(Filling(training, 0, CPU).fill()) == ["found"] * 6


def test_the_estimate_is_of_the_tensors_that_are_kept(recipe, tmp_path):
    filling = Filling(recipe(**ALL), 0, CPU)
    estimate = filling.estimated_bytes
    assert not list((tmp_path / "cache").glob("??"))
    list(filling.fill())
    files = list((tmp_path / "cache").glob("??/*.safetensors"))
    assert estimate == pytest.approx(sum(path.stat().st_size for path in files), rel=0.2)
    assert (len(filling.entries), filling.samples) == (6, 11)
    assert filling.free_bytes > 0


def test_a_damaged_pair_is_told_and_passed_over(recipe, tmp_path):
    broken = write_dataset(tmp_path / "broken", [pair(7, "noise"), pair(8, "blur")])
    (shard,) = (broken / "shards").glob("*.tar")
    shard.write_bytes(shard.read_bytes()[:-11_000])
    training = recipe(fit="square")
    training = training.model_copy(update={"datasets": {"synthetic": (*training.datasets["synthetic"], str(broken))}})
    assert sorted(Filling(training, 0, CPU).fill()) == ["encoded"] * 7 + ["unusable"]


def test_only_pairs_that_a_stage_draws_are_encoded(recipe):
    training = recipe()
    stage = training.stages["transfer"].model_copy(update={"tasks": {"blur": 1.0, "noise": 0.0}})
    assert len(Filling(training.model_copy(update={"stages": {"transfer": stage}}), 0, CPU).entries) == 3
    stage = training.stages["transfer"].model_copy(update={"curriculum": ("multiple",)})
    with pytest.raises(DatasetError, match="no pair of curriculum multiple"):
        Filling(training.model_copy(update={"stages": {"transfer": stage}}), 0, CPU)


def test_recipes_without_anything_to_keep_are_refused(recipe):
    with pytest.raises(RecipeError, match=r"data.cache: empty"):
        Filling(recipe(cache="", cache_latents=False), 0, CPU)
    with pytest.raises(RecipeError, match=r"data.fit.*square or bucket"):
        Filling(recipe(fit="crop", cache_latents=False), 0, CPU)
    with pytest.raises(RecipeError, match=r"weights name synthetic.*training.datasets"):
        Filling(recipe().model_copy(update={"datasets": {}}), 0, CPU)


def test_an_editor_without_weights_has_its_encoders(recipe):
    config = EditorConfig.of(recipe())
    whole, bare = build_editor(config, 0), without_weights(build_editor(config, 0), CPU)
    assert sum(each.numel() for each in bare.parameters()) == 0
    pixels = torch.rand(1, 3, 16, 16)
    assert torch.equal(bare.encode(pixels).mean, whole.encode(pixels).mean)
    assert (bare.device, bare.identity) == (CPU, whole.identity)


def test_the_command_counts_fills_and_goes_on(recipe, tmp_path):
    training = recipe()
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"training": training.model_dump(mode="json")}))
    run = lambda *more: CliRunner().invoke(app, ["encode", str(path), *more])  # noqa: E731
    dry = run("--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "6 pairs, 11 samples, 0 prompts without a picture: about" in dry.output
    assert not list((tmp_path / "cache").glob("??"))
    assert "6 encoded, 0 found, 0 unusable" in run().output
    assert "0 encoded, 6 found, 0 unusable" in run().output
    assert "data.cache: empty" in run("training.data.cache=''", "training.data.cache_latents=false").output


def test_a_pretrained_editor_is_filled_without_its_transformer(recipe, tmp_path):
    model = write_kontext(tmp_path / "kontext")
    section = KontextSection(model=str(model))
    training = recipe().model_copy(update={"editor": section})
    filling = Filling(training, 0, CPU)
    assert (len(filling.entries), len(filling.prompts)) == (5, 3), "it sees no picture, so of validation only prompts"
    assert list(filling.fill()) == ["encoded"] * 5
    assert list(Filling(training, 0, CPU).fill()) == ["found"] * 5
    assert list(Filling(recipe(), 0, CPU).fill()) == ["encoded"] * 6, "the small editor's are others"
