"""Qwen-Image-Edit and Plus: diffusers' pipelines give the same pictures; weights, sizes and counts are theirs."""

from __future__ import annotations

import shutil
from functools import partial

import numpy as np
import pytest
import torch
from diffusers import QwenImageTransformer2DModel
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit as edit
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as edit_plus
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import Qwen2VLProcessor

from schemas.errors import CheckpointError
from tests.training.tiny_qwen import open_pipeline, tiny_autoencoder, tiny_transformer, write_qwen_pipeline
from training import flow
from training.editors import build_editor
from training.editors.base import EditorConfig, Request
from training.editors.diffusers_saving import save_part
from training.editors.loading import load_weights
from training.editors.qwen.flops import QwenShape, qwen_forward_flops
from training.editors.qwen.pictures import AREA, EDIT, PLUS, shown, shown_size, text_tokens
from training.families.packing import TokenCounts, pack
from training.families.timesteps import sampling_sigmas

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A pipeline of each kind; Plus's transformer sees the reference at σ 0, as Qwen-Image-Edit-2511's does."""
    root = tmp_path_factory.mktemp("qwen")
    return {kind: write_qwen_pipeline(root / kind, kind, zero_cond_t=kind == PLUS) for kind in (EDIT, PLUS)}


def config(folder, kind=EDIT, transformer="", form="noise"):
    section = {"kind": kind, "model": str(folder), "transformer": str(transformer)}
    return EditorConfig(editor=section, objective={"form": form}, crop=64, steps=3)


def opened(folder, kind=EDIT, **changes):
    editor = build_editor(config(folder, kind, **changes), seed=0)
    load_weights(editor, CPU, editor.base_weights())
    return editor.requires_grad_(False).eval()


@pytest.fixture(scope="module")
def editors(folders):
    return {kind: opened(folder, kind) for kind, folder in folders.items()}


def photograph(height, width, seed=0):
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def to_pixels(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255.0


def noise_of(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def walked(editor, picture, reference, noise, steps, scale):
    """Our sampler's steps, with a reference of any size."""
    wanted, unwanted = (
        editor.collate(editor.encode_requests([Request(prompt, picture)])) for prompt in ("Remove the moiré.", "")
    )

    def velocity(state, sigma):
        inputs = state, torch.full((1,), sigma), reference
        given = editor(*inputs, wanted)
        return given if scale == 1.0 else editor.guide(given, editor(*inputs, unwanted), scale, sigma)

    rows, columns = noise.shape[2] // 2, noise.shape[3] // 2
    return flow.walk(velocity, noise, sampling_sigmas(editor.timesteps, rows * columns, steps).tolist(), None)


def piped(folder, picture, noise, steps, scale):
    """diffusers' latents, as tokens."""
    return open_pipeline(folder)(
        image=Image.fromarray(picture),
        prompt="Remove the moiré.",
        negative_prompt=" " if scale > 1.0 else None,
        true_cfg_scale=scale,
        height=noise.shape[2] * 8,
        width=noise.shape[3] * 8,
        num_inference_steps=steps,
        latents=pack(noise),
        output_type="latent",
    ).images


@pytest.mark.parametrize("scale", [1.0, 4.0])
@pytest.mark.parametrize("kind", [EDIT, PLUS])
def test_the_walk_ends_where_the_pipeline_does(editors, folders, kind, scale, monkeypatch):
    """The pipelines bring any picture to about a megapixel for the autoencoder, whatever size is asked for, so the
    reference is larger than the target; at a sixteenth of all their areas, so that it is quick.
    """
    smaller(monkeypatch, 16)
    picture = photograph(150, 211)
    editor, noise = editors[kind], noise_of(1, 16, 6, 10)
    reference = editor.encode(to_pixels(shown(picture, 1024 * 1024 // 16))).mean
    assert reference.shape == (1, 16, 28, 36)  # 224×288
    ours = walked(editor, picture, reference, noise, 3, scale)
    theirs = piped(folders[kind], picture, noise, 3, scale)
    assert (theirs - pack(noise)).abs().mean() > 0.1
    torch.testing.assert_close(pack(ours), theirs, rtol=0, atol=1e-4)


def smaller(monkeypatch, times):
    for module in (edit, edit_plus):
        sized = module.calculate_dimensions
        monkeypatch.setattr(module, "calculate_dimensions", lambda area, ratio, sized=sized: sized(area / times, ratio))
    for kind, area in list(AREA.items()):
        monkeypatch.setitem(AREA, kind, area // times)


def test_a_picture_is_shown_at_the_pipelines_sizes():
    assert shown_size(2000, 3000, AREA[EDIT]) == (832, 1248)  # 836.1 and 1254.2, to multiples of 32
    assert shown_size(2000, 3000, AREA[PLUS]) == (320, 480)  # 313.5 and 470.3
    assert shown_size(1024, 1024, AREA[EDIT]) == (1024, 1024)
    for module in (edit, edit_plus):
        for height, width in [(1024, 1024), (720, 1280), (999, 1001), (300, 100), (17, 23)]:
            for area in AREA.values():
                theirs = module.calculate_dimensions(area, width / height)[:2]
                assert shown_size(height, width, area) == theirs[::-1]


@pytest.mark.parametrize("kind", [EDIT, PLUS])
def test_a_pictures_tokens_are_counted_as_the_processor_makes_them(folders, kind):
    processor = Qwen2VLProcessor.from_pretrained(folders[kind] / "processor")
    for height, width in [(1024, 1024), (720, 1280)]:
        made = processor.image_processor(images=[shown(photograph(height, width), AREA[kind])])
        assert text_tokens(kind, height, width) - text_tokens(kind, 16, 16) == (
            made["image_grid_thw"].prod().item() // 4 - {EDIT: 37**2, PLUS: 14**2}[kind]
        )
    assert text_tokens(kind, 1024, 1024) == {EDIT: 37**2 + 7 + 10, PLUS: 14**2 + 12 + 10}[kind]


def test_an_unknown_prompt_or_picture_changes_only_its_own_condition(editors):
    editor = editors[PLUS]
    requests = [Request("Remove the moiré.", photograph(90, 60)), Request("请将图像去雾。", photograph(60, 90, seed=1))]
    together = editor.encode_requests(requests)
    for request, condition in zip(requests, together, strict=True):
        assert torch.equal(editor.encode_requests([request])[0]["states"], condition["states"])
        other = editor.encode_requests([request._replace(picture=photograph(90, 60, seed=2))])[0]["states"]
        assert not torch.equal(other[: len(condition["states"])], condition["states"][: len(other)])


def test_padding_is_not_attended(editors):
    editor = editors[EDIT]
    generator = torch.Generator().manual_seed(0)
    conditions = [{"states": torch.randn(length, 32, generator=generator)} for length in (9, 5)]
    joined = editor.collate(conditions)
    assert joined["mask"].sum(dim=1).tolist() == [9, 5]
    state, reference, time = noise_of(2, 16, 4, 6), noise_of(2, 16, 4, 6, seed=4), torch.tensor([0.3, 0.8])
    both = editor(state, time, reference, joined)
    for place, condition in enumerate(conditions):
        alone = editor.collate([condition])
        assert "mask" not in alone
        row = slice(place, place + 1)
        torch.testing.assert_close(editor(state[row], time[row], reference[row], alone), both[row], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [EDIT, PLUS])
def test_the_noise_free_form_asks_against_the_pretrained_direction_without_a_reference(folders, kind):
    editor, state = opened(folders[kind], kind, form="noise_free"), noise_of(1, 16, 4, 6)
    condition = editor.collate(editor.encode_requests([Request("", None)]))
    velocity = editor(state, torch.tensor([0.3]), None, condition)
    assert velocity.shape == state.shape
    theirs = editor.transformer(
        hidden_states=pack(state),
        timestep=torch.tensor([0.7]),
        encoder_hidden_states=condition["states"],
        img_shapes=[[(1, 2, 3)]],
        return_dict=False,
    )[0]
    torch.testing.assert_close(pack(velocity), -theirs)
    assert editor.encode_requests([Request(" ", None)])[0]["states"].equal(condition["states"][0])


def test_latents_and_pixels_are_the_pipelines(editors, folders):
    editor, pipeline = editors[EDIT], open_pipeline(folders[EDIT])
    pixels = to_pixels(photograph(32, 48))
    posterior = editor.encode(pixels)
    assert posterior.mean.shape == (1, *editor.latent_shape(32, 48)) == (1, 16, 4, 6)
    theirs = pipeline._encode_vae_image((pixels * 2 - 1).unsqueeze(2), torch.Generator())
    torch.testing.assert_close(posterior.mean, theirs[:, :, 0])
    scale = torch.tensor(pipeline.vae.config.latents_std)[:, None, None]
    spread = pipeline.vae.encode((pixels * 2 - 1).unsqueeze(2)).latent_dist.std[:, :, 0] / scale
    torch.testing.assert_close(posterior.deviation, spread)
    shift = torch.tensor(pipeline.vae.config.latents_mean)[:, None, None]
    decoded = pipeline.vae.decode((posterior.mean * scale + shift).unsqueeze(2)).sample[:, :, 0]
    torch.testing.assert_close(editor.decode(posterior.mean), decoded / 2 + 0.5)


@pytest.mark.parametrize("kind", [EDIT, PLUS])
def test_compiled_the_blocks_compute_the_same(editors, kind):
    editor = editors[kind]
    block, turns = editor.blocks()[0], editor.transformer.pos_embed([[(1, 2, 3)]], max_txt_seq_len=5)
    times = editor.transformer.time_text_embed(torch.tensor([0.5, 0.0][: 2 if kind == PLUS else 1]), noise_of(1))
    inputs = {
        "hidden_states": noise_of(1, 6, 32),
        "encoder_hidden_states": noise_of(1, 5, 32),
        "encoder_hidden_states_mask": torch.tensor([[True, True, True, False, False]]),
        "temb": times,
        "image_rotary_emb": turns,
        "modulate_index": torch.zeros(1, 6, dtype=torch.int) if kind == PLUS else None,
    }
    compiled = torch.compile(block.forward, backend="eager", fullgraph=True)(**inputs)
    for ours, expected in zip(compiled, block(**inputs), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


def test_guidance_keeps_the_norm_of_each_tokens_conditional_velocity(editors):
    given, other = noise_of(1, 16, 4, 6), noise_of(1, 16, 4, 6, seed=4)
    guided = editors[EDIT].guide(given, other, 3.0, 0.5)
    torch.testing.assert_close(pack(guided).norm(dim=2), pack(given).norm(dim=2))
    direction = pack(other + 3.0 * (given - other))
    torch.testing.assert_close(torch.cosine_similarity(pack(guided), direction, dim=2), torch.ones(1, 6))


def test_operations_by_hand():
    shape = QwenShape(blocks=3, width=2, channels=3, out_channels=5, text_width=7, times=1)
    blocks = 3 * (24 * 4 * 6 + 4 * 2 * 36)
    modulation = 2 * 4 * (12 * 3 + 2)
    embedded = 2 * 2 * (256 + 2)
    ends = 2 * 2 * (5 * (3 + 5) + 1 * 7)
    assert qwen_forward_flops(shape, TokenCounts(1, 2, 3)) == blocks + modulation + embedded + ends
    twice = qwen_forward_flops(shape._replace(times=2), TokenCounts(1, 2, 3))
    assert twice == blocks + 2 * 4 * (18 * 3 + 2) + 2 * embedded + ends


def test_operations_of_the_published_model_at_1024():
    """1386 text tokens and 4096 of each image make 198 tera, nearly all of it in the blocks."""
    published = QwenShape(blocks=60, width=3072, channels=64, out_channels=64, text_width=3584, times=1)
    counted = qwen_forward_flops(published, TokenCounts(1386, 4096, 4096))
    assert counted == pytest.approx(60 * (24 * 3072**2 * 9578 + 4 * 3072 * 9578**2), rel=1e-3)
    assert counted == pytest.approx(197.9e12, rel=1e-3)


@pytest.mark.parametrize("kind", [EDIT, PLUS])
def test_operations_are_those_that_pytorch_counts(editors, kind):
    editor, tokens = editors[kind], TokenCounts(text=5, target=6, reference=6)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        editor(noise_of(1, 16, 4, 6), torch.zeros(1), noise_of(1, 16, 4, 6), {"states": torch.zeros(1, 5, 32)})
    shape = QwenShape.of(editor.transformer.config)
    assert qwen_forward_flops(shape, tokens) == counter.get_total_flops()
    tokens = TokenCounts(text_tokens(kind, 64, 96), 24, 24)
    assert editor.forward_flops(64, 96) == qwen_forward_flops(shape, tokens)


def test_the_reference_is_no_work_where_it_is_the_start(folders):
    in_context, from_it = (build_editor(config(folders[EDIT], form=form), seed=0) for form in ("noise", "noise_free"))
    shape = QwenShape.of(from_it.transformer.config)
    assert from_it.forward_flops(64, 96) == qwen_forward_flops(shape, TokenCounts(text_tokens(EDIT, 64, 96), 24, 0))
    assert from_it.forward_flops(64, 96) < in_context.forward_flops(64, 96)


def test_built_without_a_weight_read_and_filled_row_by_row(folders):
    editor = build_editor(config(folders[EDIT]), seed=0)
    assert all(parameter.is_meta for parameter in editor.parameters())
    assert not editor.transformer.pos_embed.inner.pos_freqs.is_meta
    assert editor.frozen() == {}
    assert list(editor.single_blocks()) == list(editor.blocks()) == list(editor.transformer.transformer_blocks)
    rows = editor.base_weights()
    assert rows.keys() == dict(editor.named_parameters()).keys()
    written = load_file(folders[EDIT] / "transformer" / "diffusion_pytorch_model.safetensors")
    assert torch.equal(rows["transformer.img_in.weight"](3, 7), written["img_in.weight"][3:7])


@pytest.mark.parametrize("kind", [EDIT, PLUS])
def test_every_weight_gets_a_gradient_but_the_last_blocks_text(folders, kind):
    """Nothing reads the text that the last block puts out."""
    editor = opened(folders[kind], kind).requires_grad_(True)
    text = noise_of(2, 5, 32).squeeze(1)
    editor(noise_of(2, 16, 4, 6), torch.tensor([0.2, 0.7]), noise_of(2, 16, 4, 6), {"states": text}).sum().backward()
    without = {name for name, parameter in editor.named_parameters() if parameter.grad is None}
    last = "transformer.transformer_blocks.1."
    layers = ["attn.to_add_out", "txt_mlp.net.0.proj", "txt_mlp.net.2"]
    assert without == {f"{last}{layer}.{leaf}" for layer in layers for leaf in ("weight", "bias")}


def test_frozen_encoders_are_no_part_of_the_editor(editors):
    editor = editors[EDIT]
    editor.encode(to_pixels(photograph(16, 16)))
    editor.encode_requests([Request("", None)])
    assert editor.frozen().keys() == {"vae", "text_encoder"}
    for model in editor.frozen().values():
        assert not model.training
        assert not any(parameter.requires_grad for parameter in model.parameters())
    assert all(name.startswith("transformer.") for name in editor.state_dict())


@pytest.mark.parametrize("file_bytes", [None, 60_000])
def test_weights_go_out_as_diffusers_reads_them_and_come_back(editors, folders, tmp_path, monkeypatch, file_bytes):
    if file_bytes:
        monkeypatch.setattr("training.editors.qwen.editor.save_part", partial(save_part, file_bytes=file_bytes))
    changed = {name: parameter + 1.0 for name, parameter in editors[EDIT].named_parameters()}
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    editors[EDIT].save_weights(tmp_path, changed)
    assert len(list((tmp_path / "transformer").glob("*.safetensors"))) == (1 if file_bytes is None else 7)
    theirs = QwenImageTransformer2DModel.from_pretrained(tmp_path / "transformer").state_dict()
    ours = dict(opened(folders[EDIT], transformer=tmp_path).named_parameters())
    for name, expected in changed.items():
        assert torch.equal(theirs[name.removeprefix("transformer.")], expected)
        assert torch.equal(ours[name], expected)


def test_the_identity_names_the_encoders_weights(editors, folders, tmp_path):
    copy = shutil.copytree(folders[EDIT], tmp_path / "copy")
    assert build_editor(config(copy), seed=0).identity == editors[EDIT].identity != editors[PLUS].identity
    weights = load_file(copy / "vae" / "diffusion_pytorch_model.safetensors")
    weights["quant_conv.bias"] += 1.0
    save_file(weights, copy / "vae" / "diffusion_pytorch_model.safetensors")
    assert build_editor(config(copy), seed=0).identity != editors[EDIT].identity


def test_weights_of_another_architecture_are_listed(folders, tmp_path):
    other = tiny_transformer(num_layers=1)
    other.proj_out = torch.nn.Linear(32, 8)
    other.extra = torch.nn.Linear(2, 2)
    other.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text((folders[EDIT] / "transformer" / "config.json").read_text())
    with pytest.raises(CheckpointError) as error:
        build_editor(config(folders[EDIT], transformer=tmp_path), seed=0).base_weights()
    for line in ("transformer_blocks.1.attn.to_q.weight: missing", "extra.weight: unexpected", "proj_out.bias: (8,)"):
        assert line in str(error.value)


@pytest.mark.parametrize("change", [{"use_additional_t_cond": True}, {"use_layer3d_rope": True}, {"in_channels": 32}])
def test_another_variant_of_the_transformer_is_told(folders, tmp_path, change):
    tiny_transformer(**change).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"use_|32"):
        build_editor(config(folders[EDIT], transformer=tmp_path), seed=0)


def test_the_other_pipeline_is_told(folders):
    with pytest.raises(CheckpointError, match="QwenImageEditPipeline, not a QwenImageEditPlusPipeline"):
        build_editor(config(folders[EDIT], PLUS), seed=0)


def test_a_damaged_text_encoder_is_told(folders, tmp_path):
    copy = shutil.copytree(folders[EDIT], tmp_path / "copy")
    weights = load_file(copy / "text_encoder" / "model.safetensors")
    gone = next(name for name in weights if name.endswith("norm.weight") and "layers" not in name)
    save_file(
        {name: each for name, each in weights.items() if name != gone},
        copy / "text_encoder" / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(CheckpointError, match=r"norm\.weight: missing"):
        opened(copy).encode_requests([Request("", None)])


def test_another_autoencoder_is_told(folders, tmp_path):
    copy = shutil.copytree(folders[EDIT], tmp_path / "copy")
    tiny_autoencoder(z_dim=8, latents_mean=[0.0] * 8, latents_std=[1.0] * 8).save_pretrained(copy / "vae")
    with pytest.raises(CheckpointError, match="8 channels"):
        opened(copy).encode(to_pixels(photograph(16, 16)))
