"""The Kontext editor against diffusers' own pipeline, on tiny random weights of the real classes read from disk."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from diffusers import FluxKontextPipeline, FluxTransformer2DModel
from safetensors.torch import load_file, save_file

from schemas.errors import CheckpointError, RecipeError
from tests.training.tiny_kontext import CHANNELS, kontext_config, tiny_autoencoder, write_kontext
from training import flow
from training.editors import pipeline_folder
from training.editors.base import Request
from training.editors.kontext import KontextEditor
from training.editors.loading import load_weights
from training.families.packing import pack, unpack
from training.families.timesteps import sampling_sigmas
from training.sampling import sample

PROMPT, HEIGHT, WIDTH, STEPS = "remove the haze", 32, 48, 3
FORMS = ("noise", "noise_free")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_kontext(tmp_path_factory.mktemp("kontext") / "pipeline")


@pytest.fixture
def copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "pipeline")


def filled(config):
    editor = KontextEditor(config)
    load_weights(editor, torch.device("cpu"), editor.base_weights())
    return editor.requires_grad_(False)


@pytest.fixture(scope="module")
def editor(folder):
    return filled(kontext_config(folder))


@pytest.fixture(scope="module")
def pipeline(folder):
    loaded = FluxKontextPipeline.from_pretrained(folder)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def picture():
    return np.random.default_rng(0).random((1, 3, HEIGHT, WIDTH), dtype=np.float32)


def conditions(editor, *prompts):
    return editor.collate(editor.encode_requests([Request(prompt, None) for prompt in prompts]))


def sampled(pipeline, noise, true_guidance, output_type):
    """What diffusers' pipeline makes of the picture."""
    return pipeline(
        image=torch.from_numpy(picture()),
        prompt=PROMPT,
        negative_prompt="" if true_guidance > 1 else None,
        true_cfg_scale=true_guidance,
        guidance_scale=2.5,
        height=HEIGHT,
        width=WIDTH,
        max_area=HEIGHT * WIDTH,
        _auto_resize=False,
        num_inference_steps=STEPS,
        latents=pack(noise),
        output_type=output_type,
    ).images


@pytest.mark.parametrize("true_guidance", [1.0, 2.0])
def test_sampling_ends_at_the_latents_of_diffusers_pipeline(editor, pipeline, true_guidance):
    noise = drawn(1, *editor.latent_shape(HEIGHT, WIDTH))
    theirs = sampled(pipeline, noise, true_guidance, "latent")
    reference = editor.encode(torch.from_numpy(picture())).mean
    wanted, unwanted = conditions(editor, PROMPT), conditions(editor, "")

    def velocity(state, sigma):
        time = torch.full((1,), sigma)
        found = editor(state, time, reference, wanted)
        if true_guidance == 1.0:
            return found
        return editor.guide(found, editor(state, time, reference, unwanted), true_guidance, sigma)

    knots = sampling_sigmas(editor.timesteps, editor.target_tokens(HEIGHT, WIDTH), STEPS).tolist()
    ours = pack(flow.walk(velocity, noise, knots, None))
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)
    assert (theirs - pack(noise)).abs().mean() > 0.1


def test_the_sampler_restores_the_pixels_of_diffusers_pipeline(editor, pipeline):
    noise = drawn(1, *editor.latent_shape(HEIGHT, WIDTH))
    ours = sample(editor, torch.from_numpy(picture()), [Request(PROMPT, None)], noise, STEPS, guidance=2.0)
    torch.testing.assert_close(ours, sampled(pipeline, noise, 2.0, "pt"), atol=0.51 / 255, rtol=0)


def test_the_files_of_the_release_are_read_as_those_written_today(editor, copied):
    """CLIP's names began with `text_model.`, its words lay in two files, T5's table was there twice."""
    clip, t5, words = (copied / name for name in ("text_encoder", "text_encoder_2", "tokenizer"))
    rewrite(clip / "model.safetensors", lambda held: {f"text_model.{name}": each for name, each in held.items()})
    rewrite(
        t5 / "model.safetensors",
        lambda held: held | {"encoder.embed_tokens.weight": held["shared.weight"].clone()},
    )
    (words / "vocab.json").write_text(json.dumps(json.loads((words / "tokenizer.json").read_text())["model"]["vocab"]))
    (words / "merges.txt").write_text("#version: 0.2\n")
    (words / "tokenizer.json").unlink()
    theirs = conditions(filled(kontext_config(copied)), PROMPT)
    ours = conditions(editor, PROMPT)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def rewrite(file, change):
    save_file(change(load_file(file)), file, metadata={"format": "pt"})


@torch.no_grad()
def test_text_is_t5s_512_states_and_clips_pooled_vector(editor, pipeline):
    made = conditions(editor, PROMPT, "")
    for number, prompt in enumerate((PROMPT, "")):
        text, pooled, _ = pipeline.encode_prompt(prompt)
        assert torch.equal(made["text"][number], text[0])
        assert torch.equal(made["pooled"][number], pooled[0])
    assert made["text"].shape[1] == 512


def test_the_condition_depends_on_the_prompt_alone(editor):
    shown = Request(PROMPT, np.zeros((8, 8, 3), np.uint8))
    alone, other, again = editor.encode_requests([Request(PROMPT, None), Request("", None), shown])
    assert all(torch.equal(alone[name], again[name]) for name in alone)
    assert not torch.equal(alone["text"], other["text"])


def test_latents_are_shifted_and_scaled_and_go_both_ways(editor, pipeline):
    pixels = torch.from_numpy(picture())
    posterior = editor.encode(pixels)
    theirs = pipeline.vae.encode(pixels * 2 - 1).latent_dist
    torch.testing.assert_close(posterior.mean, ((theirs.mean - 0.1159) * 0.3611).detach())
    torch.testing.assert_close(posterior.deviation, (theirs.std * 0.3611).detach())
    noise = drawn(*posterior.mean.shape)
    torch.testing.assert_close(
        posterior.sample(noise), ((theirs.mean + theirs.std * noise - 0.1159) * 0.3611).detach(), atol=1e-5, rtol=0
    )
    shown = pipeline.vae.decode(posterior.mean / 0.3611 + 0.1159).sample
    torch.testing.assert_close(editor.decode(posterior.mean), ((shown + 1) / 2).detach())
    assert editor.latent_shape(HEIGHT, WIDTH) == tuple(posterior.mean.shape[1:]) == (CHANNELS, 4, 6)


def test_the_guidance_of_the_section_is_embedded(editor, folder):
    state, time, made = drawn(1, CHANNELS, 4, 6), torch.full((1,), 0.5), conditions(editor, PROMPT)
    told = filled(kontext_config(folder, guidance=7.0))(state, time, state, made)
    assert (told - editor(state, time, state, made)).abs().max() > 1e-3


def test_a_transformer_without_guidance_embedding_is_told_none(tmp_path):
    plain = filled(kontext_config(write_kontext(tmp_path / "plain", guidance_embeds=False)))
    state = drawn(1, CHANNELS, 4, 6)
    assert plain(state, torch.full((1,), 0.5), state, conditions(plain, PROMPT)).shape == state.shape


def given(editor, *inputs):
    """What the transformer is given, and the velocity."""
    seen = []
    hook = editor.transformer.register_forward_pre_hook(lambda _, __, named: seen.append(named), with_kwargs=True)
    velocity = editor(*inputs)
    hook.remove()
    return seen[0], velocity


def test_reference_tokens_follow_the_target_as_image_1(editor):
    state, time, made = drawn(2, CHANNELS, 4, 6), torch.tensor([0.2, 0.9]), conditions(editor, PROMPT, "")
    seen, velocity = given(editor, state, time, drawn(2, CHANNELS, 2, 4), made)
    assert velocity.shape == state.shape
    assert seen["hidden_states"].shape == (2, 6 + 2, 4 * CHANNELS)
    assert seen["img_ids"][:, 0].tolist() == [0.0] * 6 + [1.0] * 2
    assert not seen["txt_ids"].any() and seen["txt_ids"].shape == (512, 3)


def test_without_noise_the_sequence_is_text_and_target_and_the_path_runs_backwards(editor, folder):
    back = filled(kontext_config(folder, "noise_free"))
    state, made = drawn(2, CHANNELS, 4, 6), conditions(editor, PROMPT, "")
    seen, velocity = given(back, state, torch.tensor([0.25, 0.75]), None, made)
    assert seen["hidden_states"].shape == (2, 6, 4 * CHANNELS) and seen["img_ids"].shape == (6, 3)
    assert seen["timestep"].tolist() == [0.75, 0.25]
    assert torch.equal(unpack(back.transformer(**seen)[0], 2, 3), -velocity)
    with pytest.raises(ValueError, match="reference must be given"):
        editor(state, torch.zeros(2), None, made)
    with pytest.raises(ValueError, match="reference must be None"):
        back(state, torch.zeros(2), state, made)


@pytest.mark.parametrize("form", FORMS)
def test_every_weight_is_trained(folder, form):
    made = filled(kontext_config(folder, form)).requires_grad_(True)
    state, reference = drawn(2, CHANNELS, 4, 6), drawn(2, CHANNELS, 4, 6, seed=1) if form == "noise" else None
    predicted = made(state, torch.tensor([0.2, 0.9]), reference, conditions(made, PROMPT, ""))
    predicted.square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in made.parameters())


def test_operations_count_text_target_and_reference(folder):
    counts = {form: KontextEditor(kontext_config(folder, form)).forward_flops(1024, 1024) for form in FORMS}
    layers, width, tokens = 3, 32, 512 + 4096
    assert counts["noise_free"] > layers * (24 * width**2 * tokens + 4 * width * tokens**2)
    assert counts["noise"] > layers * (24 * width**2 * (tokens + 4096) + 4 * width * (tokens + 4096) ** 2)


def test_an_editor_has_no_weights_before_they_are_read_and_reads_rows_alone(editor, folder):
    empty = KontextEditor(kontext_config(folder))
    assert all(parameter.is_meta for parameter in empty.parameters())
    assert not any(name.startswith(("vae", "text")) for name, _ in empty.named_parameters())
    rows = empty.base_weights()
    assert rows.keys() == dict(empty.named_parameters()).keys()
    for name, parameter in editor.named_parameters():
        assert torch.equal(rows[name](1, 3), parameter[1:3])


@pytest.mark.parametrize("inside", [True, False])
def test_saved_weights_are_read_by_diffusers_and_by_the_editor(editor, folder, tmp_path, inside):
    weights = {name: parameter * 2 for name, parameter in editor.named_parameters()}
    editor.save_weights(tmp_path, weights)
    theirs, told = FluxTransformer2DModel.from_pretrained(tmp_path / "transformer", output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"]
    named = tmp_path / "transformer" if inside else tmp_path
    ours = dict(filled(kontext_config(folder, transformer=str(named))).named_parameters())
    assert ours.keys() == weights.keys()
    for name, parameter in theirs.named_parameters():
        assert torch.equal(parameter, weights[f"transformer.{name}"])
        assert torch.equal(parameter, ours[f"transformer.{name}"])


def test_frozen_encoders_are_no_parameters_and_appear_when_used(folder):
    fresh = filled(kontext_config(folder))
    assert not fresh.frozen()
    before = fresh.identity
    conditions(fresh, PROMPT)
    fresh.encode(torch.from_numpy(picture()))
    assert fresh.frozen().keys() == {"vae", "text_encoder", "text_encoder_2"}
    assert not any(parameter.requires_grad for part in fresh.frozen().values() for parameter in part.parameters())
    assert fresh.identity == before


def test_the_identity_tells_the_encoders_but_not_the_transformer(copied):
    before = KontextEditor(kontext_config(copied)).identity
    assert before.startswith("kontext@")
    change(copied / "transformer" / "diffusion_pytorch_model.safetensors")
    assert KontextEditor(kontext_config(copied)).identity == before
    change(copied / "text_encoder_2" / "model.safetensors")
    assert KontextEditor(kontext_config(copied)).identity != before


def change(file, drop="", add=""):
    """Adds 1 to the first tensor."""

    def changed(held):
        first = next(iter(held))
        kept = {name: tensor for name, tensor in held.items() if name != drop} | {first: held[first] + 1}
        return kept | ({add: torch.zeros(1)} if add else {})

    rewrite(file, changed)


def test_a_transformer_of_other_names_is_refused_with_a_list(copied):
    change(copied / "transformer" / "diffusion_pytorch_model.safetensors", drop="proj_out.bias", add="extra")
    with pytest.raises(CheckpointError, match=r"(?s)proj_out\.bias: missing.*extra: unexpected"):
        KontextEditor(kontext_config(copied)).base_weights()


def test_a_text_encoder_of_other_names_is_refused_with_a_list(copied):
    change(copied / "text_encoder_2" / "model.safetensors", drop="encoder.final_layer_norm.weight", add="extra")
    with pytest.raises(CheckpointError, match=r"(?s)final_layer_norm\.weight: missing.*extra: unexpected"):
        conditions(filled(kontext_config(copied)), PROMPT)


def test_another_pipeline_is_refused(copied):
    index = json.loads((copied / "model_index.json").read_text())
    (copied / "model_index.json").write_text(json.dumps({**index, "_class_name": "FluxPipeline"}))
    with pytest.raises(CheckpointError, match=r"is a FluxPipeline, not a FluxKontextPipeline"):
        KontextEditor(kontext_config(copied))


def test_a_flux_transformer_for_other_uses_is_refused(copied):
    config = copied / "transformer" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"in_channels": 8 * CHANNELS, "out_channels": 16}))
    with pytest.raises(CheckpointError, match=r"32 channels a token in and 16 out.*name Kontext's transformer"):
        KontextEditor(kontext_config(copied))


def test_missing_parts_are_named(copied):
    with pytest.raises(RecipeError, match=r"training\.editor\.transformer: no folder"):
        KontextEditor(kontext_config(copied, transformer=str(copied / "nowhere")))
    shutil.rmtree(copied / "vae")
    with pytest.raises(CheckpointError, match="lacks vae; copy the whole pipeline"):
        filled(kontext_config(copied)).encode(torch.from_numpy(picture()))
    (copied / "model_index.json").unlink()
    with pytest.raises(CheckpointError, match=r"no usable model_index\.json"):
        KontextEditor(kontext_config(copied))


def test_of_a_hub_model_each_part_is_fetched_when_it_is_needed(folder, tmp_path, monkeypatch):
    asked = []

    def hub_files(field, model, patterns):
        asked.append({pattern.split("/")[0] for pattern in patterns})
        assert (field, model) == ("training.editor.model", "somebody/kontext")
        return folder

    monkeypatch.setattr(pipeline_folder, "hub_files", hub_files)
    made = KontextEditor(kontext_config("somebody/kontext"))
    assert asked == [{"model_index.json"}, {"transformer"}]
    asked.clear()
    made.transformer = filled(kontext_config(folder)).transformer
    conditions(made, PROMPT)
    assert asked == [{"tokenizer_2"}, {"text_encoder_2"}, {"tokenizer"}, {"text_encoder"}]
    asked.clear()
    KontextEditor(kontext_config("somebody/kontext", transformer=str(folder)))
    assert asked == []


def test_a_model_that_is_nowhere_is_named():
    with pytest.raises(RecipeError, match=r"training\.editor\.model: 'nobody/nothing' is neither a path here nor"):
        KontextEditor(kontext_config("nobody/nothing"))


def test_parts_that_do_not_belong_together_are_refused(copied):
    tiny_autoencoder(channels=2).save_pretrained(copied / "vae")
    with pytest.raises(
        CheckpointError, match="its vae makes 2 channels of 8-pixel cells, its transformer takes 4 of 8"
    ):
        filled(kontext_config(copied)).encode(torch.from_numpy(picture()))
