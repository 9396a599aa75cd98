"""Step1X-Edit from diffusers' parts is the published model, and its checkpoints go both ways."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from diffusers import FluxTransformer2DModel
from safetensors.torch import load_file, save_file

from schemas.errors import CheckpointError
from tests.training.plain_step1x import step1x
from training.editors.step1x import Step1XShape, Step1XTransformer, load_step1x, save_diffusers, save_official

SMALL = Step1XShape(
    channels=8,
    heads=2,
    head_dim=32,
    double_blocks=2,
    single_blocks=3,
    text_width=24,
    refiner_width=96,
    refiner_blocks=2,
    pooled_width=12,
)
SHAPES = {
    "v1.0": replace(SMALL, version="v1.0"),
    "v1.1": SMALL,
    "v1.1 with guidance": replace(SMALL, guidance=True, mask_token=True),
}


def published(version: str, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights under the published names, written down here from the published modules."""
    shape, generator = SHAPES[version], torch.Generator().manual_seed(seed)
    d, r, text = shape.heads * shape.head_dim, shape.refiner_width, shape.text_width
    layers = {
        "img_in": (d, shape.channels),
        "txt_in": (d, r),
        "time_in.in_layer": (d, 256),
        "time_in.out_layer": (d, d),
        "vector_in.in_layer": (d, shape.pooled_width),
        "vector_in.out_layer": (d, d),
        "final_layer.linear": (shape.channels, d),
        "final_layer.adaLN_modulation.1": (2 * d, d),
        "connector.global_proj_out": (shape.pooled_width, text),
        "connector.S.input_embedder": (r, text),
        "connector.S.t_embedder.mlp.0": (r, 256),
        "connector.S.t_embedder.mlp.2": (r, r),
        "connector.S.c_embedder.linear_1": (r, text),
        "connector.S.c_embedder.linear_2": (r, r),
    }
    vectors = {}
    for block in range(shape.refiner_blocks):
        b = f"connector.S.individual_token_refiner.blocks.{block}"
        layers |= {f"{b}.self_attn_qkv": (3 * r, r), f"{b}.self_attn_proj": (r, r), f"{b}.mlp.fc1": (4 * r, r)}
        layers |= {f"{b}.mlp.fc2": (r, 4 * r), f"{b}.adaLN_modulation.1": (2 * r, r)}
        vectors |= {f"{b}.norm{n}.{leaf}": (r,) for n in (1, 2) for leaf in ("weight", "bias")}
    for block in range(shape.double_blocks):
        for stream in ("img", "txt"):
            b = f"double_blocks.{block}.{stream}"
            layers |= {f"{b}_mod.lin": (6 * d, d), f"{b}_attn.qkv": (3 * d, d), f"{b}_attn.proj": (d, d)}
            layers |= {f"{b}_mlp.0": (4 * d, d), f"{b}_mlp.2": (d, 4 * d)}
            vectors |= {f"{b}_attn.norm.{each}_norm.scale": (shape.head_dim,) for each in ("query", "key")}
    for block in range(shape.single_blocks):
        b = f"single_blocks.{block}"
        layers |= {f"{b}.linear1": (7 * d, d), f"{b}.linear2": (d, 5 * d), f"{b}.modulation.lin": (3 * d, d)}
        vectors |= {f"{b}.norm.{each}_norm.scale": (shape.head_dim,) for each in ("query", "key")}
    if shape.version == "v1.0":
        vectors["connector.scale_factor"] = (1,)
    if shape.guidance:
        layers |= {"guidance_in.in_layer": (d, 256), "guidance_in.out_layer": (d, d)}
        vectors["mask_token"] = (1, 1, d)
    weights = {}
    for name, (rows, columns) in layers.items():
        weights[f"{name}.weight"] = torch.randn(rows, columns, generator=generator) / columns**0.5
        weights[f"{name}.bias"] = 0.2 * torch.randn(rows, generator=generator)
    for name, size in vectors.items():
        weights[name] = 1.0 + 0.3 * torch.randn(size, generator=generator)
    return weights


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "step1x.safetensors"
    save_file(published("v1.1"), path)
    return path


@pytest.mark.parametrize("version", SHAPES)
def test_the_converted_model_is_the_published_one(version, tmp_path):
    weights, generator = published(version), torch.Generator().manual_seed(1)
    save_file(weights, tmp_path / "step1x.safetensors")
    model = load_step1x(tmp_path / "step1x.safetensors")
    valid = torch.tensor([9, 4, 1])
    mask = torch.arange(9) < valid[:, None]
    mask[0, 3] = False
    inputs = {
        "target": torch.randn(3, 6, 8, generator=generator),
        "reference": torch.randn(3, 6, 8, generator=generator),
        "grid": (2, 3),
        "text": torch.randn(3, 9, 24, generator=generator) * mask[..., None],
        "mask": mask,
    }
    time = torch.tensor([0.0, 0.37, 1.0])
    with torch.no_grad():
        ours = model(**inputs, time=time)
        plain = step1x(weights, t=time, **inputs)
    assert ours.shape == (3, 6, 8)
    assert plain.std() > 0.3, "the weights make the test say something"
    torch.testing.assert_close(ours, plain, atol=1e-5, rtol=0)


def test_versions_place_the_reference_differently(tmp_path):
    for version, axis in (("v1.0", 0), ("v1.1", 1)):
        save_file(published(version), tmp_path / f"{version}.safetensors")
        assert load_step1x(tmp_path / f"{version}.safetensors").reference_axis == axis


@pytest.mark.parametrize("prefix", ["", "inner_model."])
@pytest.mark.parametrize("version", SHAPES)
def test_published_keys_round_trip_to_the_bit(version, prefix, tmp_path):
    weights = {prefix + name: tensor for name, tensor in published(version).items()}
    save_file(weights, tmp_path / "in.safetensors")
    save_official(load_step1x(tmp_path / "in.safetensors"), tmp_path / "out.safetensors", prefix)
    assert same(load_file(tmp_path / "out.safetensors"), weights)


def shards(folder, weights):
    """Three files and their index, as releases have them."""
    folder.mkdir(parents=True)
    homes = {name: f"part-{number % 3}.safetensors" for number, name in enumerate(weights)}
    for home in set(homes.values()):
        save_file({name: weights[name] for name in weights if homes[name] == home}, folder / home)
    (folder / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps({"weight_map": homes}))
    return folder


def test_shards_and_release_folders_are_the_same_model(file, tmp_path):
    one = load_step1x(file).state_dict()
    assert same(load_step1x(shards(tmp_path / "shards", published("v1.1"))).state_dict(), one)
    inner = {f"inner_model.{name}": tensor for name, tensor in published("v1.1").items()}
    shards(tmp_path / "release" / "transformer", inner)
    assert same(load_step1x(tmp_path / "release").state_dict(), one)


@pytest.mark.parametrize("version", SHAPES)
def test_diffusers_loads_the_exported_folder(version, tmp_path):
    save_file(published(version), tmp_path / "in.safetensors")
    model = load_step1x(tmp_path / "in.safetensors")
    save_diffusers(model, tmp_path / "out")
    flux, told = FluxTransformer2DModel.from_pretrained(tmp_path / "out" / "transformer", output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"]
    assert same(flux.state_dict(), model.transformer.state_dict())
    again = load_step1x(tmp_path / "out")
    assert same(again.state_dict(), model.state_dict())
    save_official(again, tmp_path / "back.safetensors")
    assert same(load_file(tmp_path / "back.safetensors"), published(version))


def test_weights_are_of_the_wanted_type_and_trainable(file):
    model = load_step1x(file, torch.bfloat16)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_the_defaults_have_the_published_number_of_weights():
    with torch.device("meta"):
        model = Step1XTransformer.of(Step1XShape())
    connector = sum(weight.numel() for weight in model.connector.parameters())
    assert connector == pytest.approx(0.537e9, rel=1e-3)
    assert sum(weight.numel() for weight in model.parameters()) == pytest.approx(12.43e9, rel=1e-3)


def test_every_wrong_key_is_listed(tmp_path):
    weights = published("v1.1")
    del weights["single_blocks.1.linear2.bias"], weights["connector.S.t_embedder.mlp.2.weight"]
    weights["double_blocks.0.lora_up"] = torch.zeros(2)
    weights["txt_in.bias"] = torch.zeros(7)
    save_file(weights, tmp_path / "wrong.safetensors")
    with pytest.raises(CheckpointError) as caught:
        load_step1x(tmp_path / "wrong.safetensors")
    for line in (
        "single_blocks.1.linear2.bias: missing",
        "connector.S.t_embedder.mlp.2.weight: missing",
        "double_blocks.0.lora_up: unexpected",
        "txt_in.bias: (7,) there, (64,) in the model",
    ):
        assert line in str(caught.value)
    assert str(caught.value).count("\n") == 4


def test_a_diffusers_folder_with_wrong_keys_is_refused(file, tmp_path):
    folder = tmp_path / "out"
    save_diffusers(load_step1x(file), folder)
    weights = load_file(folder / "connector" / "diffusion_pytorch_model.safetensors")
    weights["stray"] = weights.pop("global_proj_out.bias")
    save_file(weights, folder / "connector" / "diffusion_pytorch_model.safetensors")
    with pytest.raises(CheckpointError, match=r"(?s)global_proj_out\.bias: missing.*stray: unexpected"):
        load_step1x(folder)


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    flux = {name: tensor for name, tensor in published("v1.1").items() if not name.startswith("connector.")}
    save_file(flux, tmp_path / "flux.safetensors")
    with pytest.raises(CheckpointError, match=r"(?s)not a Step1X-Edit.*connector\.S\.input_embedder\.weight"):
        load_step1x(tmp_path / "flux.safetensors")
    odd = published("v1.1") | {"double_blocks.0.img_attn.norm.query_norm.scale": torch.ones(40)}
    save_file(odd, tmp_path / "odd.safetensors")
    with pytest.raises(CheckpointError, match="heads of 40"):
        load_step1x(tmp_path / "odd.safetensors")
    FluxTransformer2DModel(
        num_layers=1, num_single_layers=1, num_attention_heads=1, attention_head_dim=32, axes_dims_rope=(4, 14, 14)
    ).save_pretrained(tmp_path / "other")
    with pytest.raises(CheckpointError, match="not a Step1X-Edit checkpoint"):
        load_step1x(tmp_path / "other")


def test_unusable_places_are_told(file, tmp_path):
    with pytest.raises(CheckpointError, match="neither a file nor a folder"):
        load_step1x(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="found nothing"):
        load_step1x(tmp_path / "empty")
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_step1x(file)


def test_an_index_is_not_trusted(tmp_path):
    folder = shards(tmp_path / "shards", published("v1.1"))
    index = folder / "diffusion_pytorch_model.safetensors.index.json"
    (folder / "part-1.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"missing: \n  part-1\.safetensors"):
        load_step1x(folder)
    index.write_text(json.dumps({"weight_map": {"img_in.weight": "../secret.safetensors"}}))
    with pytest.raises(CheckpointError, match="outside its folder"):
        load_step1x(folder)
    index.write_text("[]")
    with pytest.raises(CheckpointError, match="not an index"):
        load_step1x(folder)


def test_slices_of_tensors_in_several_files_are_refused(tmp_path):
    folder = shards(tmp_path / "shards", published("v1.1"))
    save_file({"img_in.weight": torch.zeros(32, 8)}, folder / "part-1.safetensors")
    with pytest.raises(CheckpointError, match=r"(?s)more than one file.*img_in\.weight"):
        load_step1x(folder)


def test_parts_that_do_not_fit_together_are_refused(file, tmp_path):
    folder = tmp_path / "out"
    save_diffusers(load_step1x(file), folder)
    config = folder / "connector" / "config.json"
    whole = json.loads(config.read_text())
    other = Step1XTransformer.of(replace(SMALL, pooled_width=16))
    other.connector.save_pretrained(folder / "connector")
    with pytest.raises(CheckpointError, match="pooled vector of width 12 in the transformer, 16 in the connector"):
        load_step1x(folder)
    config.write_text(json.dumps(whole | {"_class_name": "AutoencoderKL"}))
    with pytest.raises(CheckpointError, match="of the class AutoencoderKL"):
        load_step1x(folder)
    config.write_text("{")
    with pytest.raises(CheckpointError, match=r"no usable config\.json"):
        load_step1x(folder)
