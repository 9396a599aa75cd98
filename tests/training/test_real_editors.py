"""Large editors, tiny and with random weights, through the whole trainer."""

import numpy as np
import pytest
import torch
from rich.console import Console

from schemas.errors import RecipeError
from schemas.recipe.training import TrainingSection
from tests.training.conftest import made_pairs
from tests.training.shards import write_dataset
from tests.training.tiny_kontext import write_kontext
from tests.training.tiny_qwen import write_qwen_pipeline
from tests.training.tiny_step1x import write_reader, write_transformer, write_vae
from training.data.pairs import PairSet, PixelCache
from training.data.sets import open_validation_sets
from training.editors import base_editor, load_editor
from training.editors.base import Request
from training.encode import Filling
from training.lora import frozen_in_blocks
from training.parallel import joined, use_in_bf16
from training.restore import restore_image
from training.run import train
from training.step import StageAtWork
from training.validation import Validation

QUIET = Console(quiet=True)
KINDS = ["step1x", "kontext", "qwen-image-edit"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The editor sections of tiny models on disk."""
    root = tmp_path_factory.mktemp("models")
    return {
        "step1x": {
            "kind": "step1x",
            "transformer": str(write_transformer(root / "v1.1.safetensors")),
            "text_encoder": str(write_reader(root / "reader")),
            "vae": str(write_vae(root / "vae.safetensors")),
        },
        "kontext": {"kind": "kontext", "model": str(write_kontext(root / "kontext"))},
        "qwen-image-edit": {
            "kind": "qwen-image-edit",
            "model": str(write_qwen_pipeline(root / "qwen", "qwen-image-edit")),
        },
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    pairs = made_pairs(0, "train", 2) + made_pairs(0, "validation", 1)
    return {"synthetic": [write_dataset(tmp_path_factory.mktemp("data") / "synthetic", pairs)]}


def recipe(editor, **changes):
    stage = {"steps": 2, "batch_size": 2, "microbatch": 1, "learning_rate": 1e-3, "warmup_steps": 0, "ema": 0.5}
    whole = {
        "editor": editor,
        "crop": 32,
        "data": {"fit": "square", "drop_prompt": 0.3, "drop_picture": 0.3, "drop_reference": 0.3},
        "stages": {"transfer": stage, "finetune": {**stage, "frozen_single_blocks": 0.5}},
        "validation": {"every": 2, "samples": 1, "steps": 1, "guidance": 3.0, "pictures": 1},
        **changes,
    }
    return TrainingSection.model_validate(whole)


def at_work(training, data, stage):
    sets = {name: PairSet.open(name, folders, "train", PixelCache(0)) for name, folders in data.items()}
    with joined(training.parallel) as world:
        return StageAtWork(training, 3, stage, sets, world)


def weights(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def unchanged(before, module):
    return all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize("kind", KINDS)
def test_encoders_and_the_first_blocks_stay_as_they_are_and_the_rest_moves(kind, models, data):
    work = at_work(recipe(models[kind]), data, "finetune")
    work.take(0)
    encoders = {name: weights(module) for name, module in work.editor.frozen().items()}
    blocks = [weights(block) for block in work.editor.single_blocks()]
    assert len(encoders) >= 2 and len(blocks) >= 2
    work.take(1)
    for name, module in work.editor.frozen().items():
        assert unchanged(encoders[name], module), name
        assert not any(parameter.requires_grad for parameter in module.parameters())
    share = len(blocks) // 2
    for number, block in enumerate(work.editor.single_blocks()):
        assert unchanged(blocks[number], block) == (number < share)


@pytest.mark.parametrize("kind", KINDS)
def test_both_stages_train_and_the_best_editor_restores(kind, models, data, tmp_path):
    training = recipe(models[kind])
    result = train(training, 3, data, tmp_path / "run", console=QUIET)
    losses = [row["loss"] for row in result.history if row["kind"] == "train"]
    assert len(losses) == 4 and np.isfinite(losses).all()
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    trained, begun = load_editor(result.editor), base_editor(training)
    restored = [restore_image(editor, picture, "Please dehaze the image.", steps=2) for editor in (trained, begun)]
    assert all(one.shape == picture.shape and one.dtype == np.uint8 for one in restored)
    assert not np.array_equal(*restored)
    saved = dict(trained.named_parameters())
    assert saved.keys() == {name for name, _ in begun.named_parameters()}


@pytest.mark.parametrize("kind", KINDS)
def test_low_rank_adapters_train_alone_and_are_exported_alone(kind, models, data, tmp_path):
    fast = {"steps": 2, "batch_size": 2, "learning_rate": 0.3, "warmup_steps": 0, "ema": 0.5}
    training = recipe(models[kind], lora={"rank": 2, "layers": ["to_q", "to_v"]}, stages={"adapt": fast})
    work = at_work(training, data, "adapt")
    base = {name: each.clone() for name, each in work.editor.named_parameters() if name not in work.trained}
    work.take(0)
    assert all(torch.equal(each, base[name]) for name, each in work.editor.named_parameters() if name in base)
    assert work.trained and all(".lora_" in name for name in work.trained)
    result = train(training, 3, data, tmp_path / "run", console=QUIET)
    assert sorted(path.name for path in result.editor.iterdir()) == ["config.json", "pytorch_lora_weights.safetensors"]
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    with_adapters, without = load_editor(result.editor), base_editor(training)
    assert not np.array_equal(restore_image(with_adapters, picture, "x"), restore_image(without, picture, "x"))


def test_layers_that_there_are_not_and_an_editor_without_weights_cannot_be_adapted(models, data):
    with pytest.raises(RecipeError, match=r"training\.lora\.layers: to_nothing;"):
        at_work(recipe(models["kontext"], lora={"rank": 2, "layers": ["to_nothing"]}), data, "transfer")
    with pytest.raises(ValueError, match="no pretrained weights to adapt"):
        recipe({"kind": "tiny"}, lora={"rank": 2})


@pytest.mark.parametrize("score", ["gain", "loss"])
def test_with_a_full_cache_the_text_encoder_is_never_loaded(score, models, data, tmp_path):
    places = {name: [str(folder) for folder in folders] for name, folders in data.items()}
    kept = {"fit": "square", "cache": str(tmp_path), "cache_latents": True, "drop_prompt": 0.3, "drop_picture": 0.3}
    validation = {"every": 2, "samples": 1, "steps": 1, "guidance": 3.0, "score": score}
    training = recipe(models["step1x"], datasets=places, data=kept, validation=validation)
    assert set(Filling(training, 3, torch.device("cpu")).fill()) == {"encoded"}
    work = at_work(training, data, "transfer")
    for step in range(2):
        work.take(step)
    with joined(training.parallel) as world:
        verdict, _ = Validation(open_validation_sets(training, places), training)(work.encoder, world)
    assert np.isfinite(verdict.score)
    assert work.editor.frozen().keys() == {"vae"}


def test_adapters_beside_weights_in_bf16_and_in_the_host_memory_train_alike(models, data):
    fast = {"steps": 3, "batch_size": 2, "microbatch": 1, "learning_rate": 0.3, "warmup_steps": 0}
    curves = {}
    for name, parallel in {
        "fp32": {},
        "bf16": {"precision": "bf16"},
        "offload": {"precision": "bf16", "offload": True, "recompute": "full"},
    }.items():
        training = recipe(models["kontext"], lora={"rank": 2}, stages={"adapt": fast}, parallel=parallel)
        sets = {name: PairSet.open(name, folders, "train", PixelCache(0)) for name, folders in data.items()}
        with joined(training.parallel) as world:
            work = StageAtWork(training, 3, "adapt", sets, world)
            curves[name] = [work.take(step)[0].loss for step in range(3)]
            kept = {each.dtype for each in frozen_in_blocks(work.editor)}
            assert kept == {torch.float32 if name == "fp32" else torch.bfloat16}
            assert {each.dtype for each in work.trained.values()} == {torch.float32}
    assert curves["offload"] == curves["bf16"]
    np.testing.assert_allclose(curves["bf16"], curves["fp32"], rtol=2e-2)


def test_blocks_in_bf16_restore_nearly_what_they_do_in_fp32(models):
    training = recipe(models["step1x"])
    whole, low = base_editor(training), base_editor(training)
    use_in_bf16(low.blocks())
    noise = torch.randn(1, *whole.latent_shape(32, 32), generator=torch.Generator().manual_seed(0))
    request = [Request("Please dehaze the image.", np.full((32, 32, 3), 90, np.uint8))]
    condition = whole.collate(whole.encode_requests(request))
    velocities = [each(noise, torch.tensor([0.413]), noise, condition) for each in (whole, low)]
    assert velocities[1].dtype == torch.float32 and not torch.equal(*velocities)
    assert (velocities[1] - velocities[0]).norm() / velocities[0].norm() < 0.03


def test_diffusers_reads_an_exported_adapter(models, data, tmp_path):
    from diffusers import FluxKontextPipeline

    fast = {"steps": 2, "batch_size": 2, "learning_rate": 0.3, "warmup_steps": 0}
    training = recipe(models["kontext"], lora={"rank": 2, "alpha": 8, "layers": ["to_q", "to_v"]}, stages={"a": fast})
    result = train(training, 3, data, tmp_path / "run", console=QUIET)
    ours = load_editor(result.editor)
    pipeline = FluxKontextPipeline.from_pretrained(models["kontext"]["model"])
    pipeline.load_lora_weights(result.editor)
    theirs = pipeline.transformer
    inputs = {
        "hidden_states": torch.randn(1, 4, theirs.config.in_channels, generator=torch.Generator().manual_seed(0)),
        "encoder_hidden_states": torch.ones(1, 3, theirs.config.joint_attention_dim),
        "pooled_projections": torch.ones(1, theirs.config.pooled_projection_dim),
        "timestep": torch.tensor([0.4]),
        "guidance": torch.tensor([2.5]),
        "img_ids": torch.zeros(4, 3),
        "txt_ids": torch.zeros(3, 3),
        "return_dict": False,
    }
    torch.testing.assert_close(ours.adapted()(**inputs)[0], theirs(**inputs)[0])
    pipeline.unload_lora_weights()
    assert not torch.allclose(ours.adapted()(**inputs)[0], pipeline.transformer(**inputs)[0], atol=1e-3)
