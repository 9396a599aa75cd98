"""`tarnish export`: diffusers then loads what was trained, adapters merged; what cannot be exported is refused."""

from __future__ import annotations

import json
import re

import diffusers
import pytest
import torch
from diffusers import FluxTransformer2DModel
from safetensors.torch import load_file
from typer.testing import CliRunner

from jobs.cli import app
from schemas.recipe.training import LoraSection, ObjectiveSection, QwenSection, Step1XSection, TinySection
from tests.training.tiny_kontext import kontext_config, write_kontext
from tests.training.tiny_qwen import tiny_transformer
from tests.training.tiny_step1x import write_transformer
from training.editors.base import EditorConfig
from training.editors.build import build_editor
from training.editors.folder import export_editor, load_editor
from training.editors.loading import load_weights
from training.editors.step1x import load_step1x
from training.lora import adapt, is_adapter, start_rows


def run(*arguments):
    result = CliRunner().invoke(app, ["export", *map(str, arguments)], env={"COLUMNS": "300"})
    return result.exit_code, result.output.replace("\n", " ")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return write_kontext(tmp_path_factory.mktemp("kontext") / "pipeline")


@pytest.fixture(scope="module")
def trained(pipeline, tmp_path_factory):
    """An exported editor and its weights."""
    config = kontext_config(pipeline)
    editor = build_editor(config, seed=0)
    load_weights(editor, torch.device("cpu"), editor.base_weights())
    weights = {name: parameter.detach() * 1.5 for name, parameter in editor.named_parameters()}
    folder = tmp_path_factory.mktemp("run") / "editor"
    export_editor(folder, editor, config, weights)
    return folder, weights


def loaded(folder, **how):
    model, told = FluxTransformer2DModel.from_pretrained(folder / "transformer", output_loading_info=True, **how)
    assert not told["missing_keys"] and not told["unexpected_keys"]
    return dict(model.named_parameters())


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_diffusers_loads_what_was_trained(trained, pipeline, tmp_path, precision):
    folder, weights = trained
    code, output = run(folder, "--out", tmp_path / "out", "--precision", precision)
    assert code == 0, output
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[precision]
    theirs = loaded(tmp_path / "out", torch_dtype=dtype)
    assert len(theirs) == len(weights)
    for name, parameter in theirs.items():
        assert torch.equal(parameter, weights[f"transformer.{name}"].to(dtype))
    stored = load_file(tmp_path / "out" / "transformer" / "diffusion_pytorch_model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {dtype}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (
        f'FluxTransformer2DModel.from_pretrained("{tmp_path / "out" / "transformer"}", torch_dtype={dtype})' in output
    )
    assert f'FluxKontextPipeline.from_pretrained("{pipeline}", transformer=transformer' in output


def test_adapters_are_merged_as_peft_merges_them(pipeline, tmp_path):
    config = kontext_config(pipeline).model_copy(update={"lora": LoraSection(rank=2, alpha=5.0)})
    editor = build_editor(config, seed=0)
    base = editor.base_weights()
    adapt(editor, config.lora)
    load_weights(editor, torch.device("cpu"), start_rows(editor, base, 0))
    draws = torch.Generator().manual_seed(0)
    adapters = {
        name: torch.randn(parameter.shape, generator=draws)
        for name, parameter in editor.named_parameters()
        if is_adapter(name)
    }
    export_editor(tmp_path / "editor", editor, config, adapters)
    code, output = run(tmp_path / "editor", "--out", tmp_path / "out", "--precision", "fp32")
    assert code == 0, output
    theirs = loaded(tmp_path / "out")
    peft = load_editor(tmp_path / "editor").transformer
    merged = 0
    for name, module in peft.named_modules():
        if hasattr(module, "merge"):
            module.merge()
            weight = module.get_base_layer().weight
            torch.testing.assert_close(theirs[f"{name}.weight"], weight)
            assert (weight - base[f"transformer.{name}.weight"](0, len(weight))).abs().max() > 0.1
            merged += 1
    assert merged == len(adapters) / 2 > 0
    for name in theirs:
        if name.startswith(("norm_out", "x_embedder")):
            assert torch.equal(theirs[name], base[f"transformer.{name}"](0, len(theirs[name])))


def step1x(folder, version):
    """An exported editor that was trained for no step, and the published file it started from."""
    published = write_transformer(folder / "published.safetensors", version)
    editor = Step1XSection(transformer=str(published))
    config = EditorConfig(editor=editor, objective=ObjectiveSection(), crop=32, steps=3)
    made = build_editor(config, seed=0)
    load_weights(made, torch.device("cpu"), made.base_weights())
    export_editor(folder / "editor", made, config, dict(made.named_parameters()))
    return folder / "editor", load_file(published)


@pytest.mark.parametrize(("version", "prefix"), [("v1.0", "inner_model."), ("v1.1", "")])
def test_step1x_goes_back_to_its_published_layout(tmp_path, version, prefix):
    folder, published = step1x(tmp_path, version)
    options = ("--format", "official", "--precision", "fp32", *(("--prefix", prefix) if prefix else ()))
    code, output = run(folder, "--out", tmp_path / "out", *options)
    assert code == 0, output
    written = load_file(tmp_path / "out" / "model.safetensors")
    assert written.keys() == {prefix + name for name in published}
    assert all(torch.equal(written[prefix + name], tensor) for name, tensor in published.items())
    assert f"transformer: {tmp_path / 'out' / 'model.safetensors'}" in output


def test_step1x_for_diffusers_has_its_connector_beside(tmp_path):
    folder, published = step1x(tmp_path, "v1.0")
    code, output = run(folder, "--out", tmp_path / "out")
    assert code == 0, output
    theirs = loaded(tmp_path / "out", torch_dtype=torch.bfloat16)
    assert torch.equal(theirs["x_embedder.weight"], published["img_in.weight"].bfloat16())
    again = load_step1x(tmp_path / "out")
    assert torch.equal(again.connector.global_proj_out.weight, published["connector.global_proj_out.weight"].bfloat16())
    assert f"training.editor: {{kind: step1x, transformer: {tmp_path / 'out'}}}" in output


PIPELINES = {"qwen-image-edit": "QwenImageEditPipeline", "qwen-image-edit-plus": "QwenImageEditPlusPipeline"}


@pytest.mark.parametrize("kind", list(PIPELINES))
def test_qwen_is_loaded_by_the_pipeline_that_is_named(tmp_path, kind):
    start, named = tiny_transformer(), PIPELINES[kind]
    start.save_pretrained(tmp_path / "model" / "transformer")
    (tmp_path / "model" / "model_index.json").write_text(json.dumps({"_class_name": named}))
    section = QwenSection(kind=kind, model=str(tmp_path / "model"))
    config = EditorConfig(editor=section, objective=ObjectiveSection(), crop=32, steps=3)
    made = build_editor(config, seed=0)
    load_weights(made, torch.device("cpu"), made.base_weights())
    export_editor(tmp_path / "editor", made, config, {name: each * 2 for name, each in made.named_parameters()})
    code, output = run(tmp_path / "editor", "--out", tmp_path / "out", "--precision", "fp32")
    assert code == 0, output
    pipeline, name = re.search(r"from diffusers import (\w+), (\w+)", output).groups()
    assert pipeline == named and issubclass(getattr(diffusers, pipeline), diffusers.DiffusionPipeline)
    theirs = getattr(diffusers, name).from_pretrained(tmp_path / "out" / "transformer")
    assert all(torch.equal(each, 2 * start.state_dict()[name]) for name, each in theirs.state_dict().items())


def test_a_path_without_noise_is_told(trained, tmp_path):
    folder = tmp_path / "editor"
    folder.mkdir()
    described = json.loads((trained[0] / "config.json").read_text())
    described["objective"]["form"] = "noise_free"
    (folder / "config.json").write_text(json.dumps(described))
    (folder / "transformer").symlink_to(trained[0] / "transformer")
    code, output = run(folder, "--out", tmp_path / "out")
    assert code == 0 and "starts from the degraded picture" in output


def test_nothing_is_overwritten(trained, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept")
    code, output = run(trained[0], "--out", tmp_path / "out")
    assert code == 1 and "is there already; name another folder or remove it" in output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_small_editor_stays_here(tmp_path):
    config = EditorConfig(editor=TinySection(), objective=ObjectiveSection(), crop=16, steps=1)
    (tmp_path / "editor").mkdir()
    (tmp_path / "editor" / "config.json").write_text(config.model_dump_json())
    code, output = run(tmp_path / "editor", "--out", tmp_path / "out")
    assert code == 1 and "kind 'tiny', which no other program knows" in output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format", "official"), "'official' is the layout of step1x, the editor is of the kind 'kontext'"),
        (("--prefix", "inner_model."), "prefix: 'inner_model.' is for the format 'official'"),
    ],
)
def test_layouts_of_other_kinds_are_refused(trained, tmp_path, options, message):
    code, output = run(trained[0], "--out", tmp_path / "out", *options)
    assert code == 1 and message in output
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_editor_is_named(tmp_path):
    code, output = run(tmp_path, "--out", tmp_path / "out")
    assert code == 1 and "name the folder of an exported editor" in output
    (tmp_path / "config.json").write_text("{}")
    code, output = run(tmp_path, "--out", tmp_path / "out")
    assert code == 1 and "config.json is not of this version" in output


def test_help_names_the_options():
    code, output = run("--help")
    assert code == 0
    assert all(option in output for option in ("--out", "--format", "--precision", "--prefix"))
