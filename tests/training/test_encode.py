"""Filling the cache ahead leaves nothing for training to encode."""

import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from jobs.cli import app
from schemas.errors import DatasetError, RecipeError
from schemas.recipe.training import KontextSection, TrainingSection
from tests.training.shards import MadePair, write_dataset
from tests.training.tiny_kontext import write_kontext
from training.data.batches import batches
from training.data.pairs import PairSet, PixelCache
from training.editors import build_editor
from training.editors.base import EditorConfig
from training.editors.tiny import PixelEditor
from training.encode import Filling, without_weights
from training.encodings import Encoder

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


def trained_encoder(training, monkeypatch):
    """An encoder that has served a whole stage, and how many requests and pictures it had to encode."""
    sets = {"synthetic": PairSet.open("synthetic", training.datasets["synthetic"], "train", PixelCache(0))}
    editor = build_editor(EditorConfig.of(training), 0)
    made = []
    requests, encode = PixelEditor.encode_requests, PixelEditor.encode
    monkeypatch.setattr(PixelEditor, "encode_requests", lambda self, r: [made.extend(r), requests(self, r)][1])
    monkeypatch.setattr(PixelEditor, "encode", lambda self, pixels: [made.append(pixels), encode(self, pixels)][1])
    encoder = Encoder(editor, training.data, "0/transfer")
    for step in batches(sets, training.stages["transfer"], training, "0/transfer"):
        for batch in step:
            encoder(batch)
    return encoder, made


ALL = {"languages": {"en": 1, "zh": 1}, "drop_prompt": 0.3, "drop_picture": 0.3}


@pytest.mark.parametrize("data", [{}, {"fit": "square", "mirror": False}, ALL])
def test_training_finds_all_that_it_asks_for(recipe, data, monkeypatch):
    training = recipe(**data)
    assert list(Filling(training, 0, CPU).fill()) == ["encoded"] * 6
    encoder, made = trained_encoder(training, monkeypatch)
    assert made == []
    assert encoder.cache.counts.found > 0


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
    with pytest.raises(DatasetError, match="no stage draws"):
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
    assert "6 pairs, 11 samples: about" in dry.output
    assert not list((tmp_path / "cache").glob("??"))
    assert "6 encoded, 0 found, 0 unusable" in run().output
    assert "0 encoded, 6 found, 0 unusable" in run().output
    assert "data.cache: empty" in run("training.data.cache=''", "training.data.cache_latents=false").output


def test_a_pretrained_editor_is_filled_without_its_transformer(recipe, tmp_path):
    model = write_kontext(tmp_path / "kontext")
    section = KontextSection(model=str(model))
    training = recipe().model_copy(update={"editor": section})
    assert list(Filling(training, 0, CPU).fill()) == ["encoded"] * 6
    assert list(Filling(training, 0, CPU).fill()) == ["found"] * 6
    assert list(Filling(recipe(), 0, CPU).fill()) == ["encoded"] * 6, "the small editor's are others"
