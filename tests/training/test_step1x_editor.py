"""Step1X-Edit behind the editor's interface: weights by rows, text, latents, velocity, export."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from diffusers import FluxTransformer2DModel
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer, Qwen2VLImageProcessorPil

from schemas.errors import CheckpointError
from schemas.recipe.training import ObjectiveSection, ParallelSection, Step1XSection
from tests.training.tiny_qwen_vl import WIDTH
from tests.training.tiny_step1x import SHAPES, write_reader, write_transformer, write_vae
from training.editors.base import EditorConfig, Request
from training.editors.flux_vae import SCALE, SHIFT, load_flux_vae
from training.editors.loading import load_weights
from training.editors.step1x import load_step1x, save_diffusers, save_official
from training.editors.step1x.editor import TEXT, Step1XEditor
from training.families.guidance import guide_step1x
from training.families.packing import pack, unpack
from training.families.prompts import KEPT, STEP1X_PREFIX
from training.families.timesteps import TIMESTEPS
from training.parallel import joined, parallelize

CHAT = f"<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{STEP1X_PREFIX}"
END = "<|im_end|>\n<|im_start|>assistant\n"


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A folder with both versions of the transformer, the autoencoder and the language model."""
    folder = tmp_path_factory.mktemp("release")
    for version in SHAPES:
        write_transformer(folder / f"{version}.safetensors", version)
    write_vae(folder / "vae.safetensors")
    write_reader(folder / "qwen")
    return folder


def config(release, transformer="v1.1.safetensors", form="noise"):
    section = Step1XSection(
        transformer=str(release / transformer), text_encoder=str(release / "qwen"), vae=str(release)
    )
    return EditorConfig(editor=section, objective=ObjectiveSection(form=form), crop=64, steps=4)


def with_reader(release, folder):
    section = config(release).editor.model_copy(update={"text_encoder": str(folder)})
    return filled_of(config(release).model_copy(update={"editor": section}))


def filled(*how, **settings):
    return filled_of(config(*how, **settings))


def filled_of(settings):
    editor = Step1XEditor(settings)
    load_weights(editor, torch.device("cpu"), editor.base_weights())
    return editor.eval()


@pytest.fixture(scope="module")
def editor(release):
    return filled(release)


def inputs(seed=0, batch=2, rows=2, columns=3):
    generator = torch.Generator().manual_seed(seed)
    state, reference = torch.randn(2, batch, 16, 2 * rows, 2 * columns, generator=generator)
    texts = [torch.randn(length, WIDTH, generator=generator) for length in (7, 3)[:batch]]
    return state, torch.tensor([0.4, 0.95])[:batch], reference, [{"text": text} for text in texts]


# --- weights


def layouts(folder, version):
    """The same weights in every layout."""
    file = write_transformer(folder / "whole.safetensors", version)
    yield file
    (folder / "shards").mkdir()
    model = load_step1x(file)
    save_official(model, folder / "shards" / "step1x.safetensors", "inner_model.", largest=200_000)
    yield folder / "shards"
    save_diffusers(model, folder / "diffusers")
    yield folder / "diffusers"


@pytest.mark.parametrize("version", SHAPES)
def test_rows_are_those_of_the_loaded_model_in_every_layout(version, release, tmp_path):
    rng = np.random.default_rng(0)
    own = load_step1x(release / f"{version}.safetensors").state_dict()
    for path in layouts(tmp_path, version):
        editor = Step1XEditor(config(release, path))
        rows = editor.base_weights()
        assert rows.keys() == dict(editor.named_parameters()).keys()
        for name, read in rows.items():
            whole = own[name.removeprefix("model.")]
            assert torch.equal(read(0, len(whole)), whole)
            for start, stop in np.sort(rng.integers(0, len(whole) + 1, (4, 2))):
                assert torch.equal(read(int(start), int(stop)), whole[start:stop]), name


def test_building_reads_no_weights_and_loses_no_buffer(release):
    editor = Step1XEditor(config(release))
    assert all(parameter.is_meta for parameter in editor.parameters())
    published = load_file(release / "v1.1.safetensors")["mask_token"]
    assert torch.equal(editor.model.connector.mask_token, published)
    assert published.abs().sum() > 0


@pytest.mark.parametrize("version", SHAPES)
def test_saved_weights_are_read_again_to_the_bit(version, release, tmp_path):
    editor = filled(release, f"{version}.safetensors")
    weights = {name: tensor.detach() * 1.5 for name, tensor in editor.named_parameters()}
    editor.save_weights(tmp_path, weights)
    flux, told = FluxTransformer2DModel.from_pretrained(tmp_path / "transformer", output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"]
    assert all(torch.equal(weights[f"model.transformer.{name}"], tensor) for name, tensor in flux.state_dict().items())
    again = Step1XEditor(config(release, tmp_path))
    rows = again.base_weights()
    assert rows.keys() == weights.keys()
    assert all(torch.equal(rows[name](0, len(tensor)), tensor) for name, tensor in weights.items())
    assert [name for name, _ in again.named_buffers()] == [name for name, _ in editor.named_buffers()]
    assert all(map(torch.equal, again.buffers(), editor.buffers()))


class OneByOne(Mapping):
    """Tensors that are made when they are asked for, and how often each was."""

    def __init__(self, tensors):
        self.tensors, self.asked = tensors, Counter()

    def __getitem__(self, name):
        self.asked[name] += 1
        return self.tensors[name]

    def __iter__(self):
        return iter(self.tensors)

    def __len__(self):
        return len(self.tensors)


def test_saving_asks_for_each_tensor_once_and_refuses_too_few(release, tmp_path):
    editor = Step1XEditor(config(release))
    rows = editor.base_weights()
    weights = OneByOne({name: rows[name](0, len(tensor)).clone() for name, tensor in editor.named_parameters()})
    editor.save_weights(tmp_path, weights)
    assert weights.asked == dict.fromkeys(weights, 1)
    editor.save_official(tmp_path / "official.safetensors", weights, "inner_model.")
    assert weights.asked == dict.fromkeys(weights, 2)
    published = load_file(release / "v1.1.safetensors")
    written = load_file(tmp_path / "official.safetensors")
    assert written.keys() == {f"inner_model.{name}" for name in published}
    assert all(torch.equal(written[f"inner_model.{name}"], tensor) for name, tensor in published.items())
    few = dict(list(weights.tensors.items())[:-1])
    with pytest.raises(CheckpointError, match=r"global_proj_out\.\w+: missing"):
        editor.save_weights(tmp_path, few)


def test_large_models_are_published_as_shards(release, tmp_path):
    model = load_step1x(release / "v1.0.safetensors")
    save_official(model, tmp_path / "step1x.safetensors", largest=100_000)
    index = json.loads((tmp_path / "step1x.safetensors.index.json").read_text())
    files = {path.name for path in tmp_path.glob("*.safetensors")}
    assert len(files) > 2 and files == set(index["weight_map"].values())
    again = load_step1x(tmp_path).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in model.state_dict().items())


# --- velocity


@pytest.mark.parametrize("version", SHAPES)
def test_the_velocity_is_the_transformers_on_packed_latents(version, release):
    editor = filled(release, f"{version}.safetensors")
    state, time, reference, conditions = inputs()
    text = torch.zeros(2, 640, WIDTH)
    mask = torch.zeros(2, 640, dtype=torch.bool)
    for place, condition in enumerate(conditions):
        text[place, : len(condition["text"])] = condition["text"]
        mask[place, : len(condition["text"])] = True
    model = load_step1x(release / f"{version}.safetensors")
    with torch.no_grad():
        found = editor(state, time, reference, editor.collate(conditions))
        wanted = model(pack(state), pack(reference), (2, 3), time, text, mask)
    assert found.shape == state.shape
    torch.testing.assert_close(found, unpack(wanted, 2, 3), atol=0, rtol=0)


def test_without_noise_the_path_starts_at_the_degraded_picture_and_no_reference_is_seen(release):
    editor = filled(release, form="noise_free")
    state, time, reference, conditions = inputs()
    condition = editor.collate(conditions)
    model = editor.model
    with torch.no_grad():
        found = editor(state, time, None, condition)
        tokens, pooled = model.connector(condition["text"], 1.0 - time, condition["mask"])
        places = [[0.0, row, column] for row in range(2) for column in range(3)]
        wanted = model.transformer(
            hidden_states=pack(state),
            encoder_hidden_states=tokens,
            pooled_projections=pooled,
            timestep=1.0 - time,
            img_ids=torch.tensor(places),
            txt_ids=torch.zeros(640, 3),
            guidance=torch.full((2,), 4.0),
        ).sample
    torch.testing.assert_close(found, -unpack(wanted, 2, 3))
    with pytest.raises(ValueError, match="'noise_free': reference must be None"):
        editor(state, time, reference, condition)


def test_with_noise_a_reference_is_needed(editor):
    state, time, _, conditions = inputs()
    with pytest.raises(ValueError, match="'noise': reference must be given"):
        editor(state, time, None, editor.collate(conditions))


@pytest.mark.parametrize("recompute", ["none", "full"])
def test_blocks_of_transformer_and_connector_compute_in_half_precision(recompute, release, editor):
    state, time, reference, conditions = inputs()
    condition = editor.collate(conditions)
    section = ParallelSection(precision="bf16", recompute=recompute)
    with joined(section) as world:
        low = Step1XEditor(config(release))
        rows = low.base_weights()
        parallelize(low, section, world)
        load_weights(low, world.device, rows)
        found = low(state, time, reference, condition)
        found.square().mean().backward()
        assert all(parameter.grad is not None for parameter in low.parameters())
        assert all(parameter.dtype == torch.float32 for parameter in low.parameters())
    with torch.no_grad():
        wanted = editor(state, time, reference, condition)
    assert found.dtype == torch.float32
    assert 0 < (found - wanted).norm() < 0.05 * wanted.norm()


def test_weights_in_half_precision_predict_alike(release, editor):
    """At times that half precision holds: the transformer rounds them to it, as the published sampler does."""
    state, _, reference, conditions = inputs()
    condition = editor.collate(conditions)
    time = torch.tensor([0.5, 0.25])
    with torch.no_grad():
        found = filled(release).to(torch.bfloat16)(state, time, reference, condition)
        wanted = editor(state, time, reference, condition)
    assert found.dtype == torch.float32
    assert (found - wanted).norm() < 0.05 * wanted.norm()


def test_guidance_is_tempered_for_each_token_at_the_noisy_end(editor):
    conditional, unconditional = 4 * torch.randn(2, 1, 16, 4, 6, generator=torch.Generator().manual_seed(0))
    for sigma in (0.5, 0.95):
        wanted = guide_step1x(pack(conditional), pack(unconditional), 3.0, sigma)
        assert torch.equal(editor.guide(conditional, unconditional, 3.0, sigma), unpack(wanted, 2, 3))


def test_operations_are_those_that_pytorch_counts(release):
    for form in ("noise", "noise_free"):
        editor = filled(release, form=form)
        state, time, reference, conditions = inputs(batch=1)
        condition = editor.collate(conditions)
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            editor(state, time, reference if form == "noise" else None, condition)
        assert editor.forward_flops(32, 48) == counter.get_total_flops()


def test_what_the_trainer_asks(editor):
    assert (editor.multiple, editor.timesteps) == (16, TIMESTEPS["step1x"])
    assert editor.latent_shape(64, 96) == (16, 8, 12)
    assert editor.target_tokens(64, 96) == 24
    assert len(editor.blocks()) == 2 + 1 + 2
    assert list(editor.single_blocks()) == list(editor.model.transformer.single_transformer_blocks)
    assert editor.adapted() is editor.model.transformer


# --- text


@pytest.fixture(scope="module")
def qwen(release):
    folder = release / "qwen"
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    return model, Qwen2Tokenizer.from_pretrained(folder), Qwen2VLImageProcessorPil.from_pretrained(folder)


def picture(height=100, width=150, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def states(qwen, ids, image=None, size=None):
    """The last hidden states by the library's own model. size: of the picture, both sides multiples of 28."""
    model, tokenizer, processor = qwen
    whole = torch.tensor([ids])
    made = {}
    if image is not None:
        made = dict(processor(images=[image], do_resize=False, return_tensors="pt"))
        made["mm_token_type_ids"] = (whole == tokenizer.convert_tokens_to_ids("<|image_pad|>")).int()
    with torch.no_grad():
        return model(input_ids=whole, output_hidden_states=True, **made).hidden_states[-1][0]


#: A picture of 100×150 is made 112×140, then 420×504: 15×18 tokens.
ROWS, COLUMNS = 15, 18


def as_seen(image):
    small = Image.fromarray(image).resize((140, 112), Image.Resampling.BICUBIC)
    return small.resize((28 * COLUMNS, 28 * ROWS), Image.Resampling.BICUBIC)


def test_text_and_picture_are_read_as_published(editor, qwen):
    tokenizer = qwen[1]
    pads = "<|image_pad|>" * (ROWS * COLUMNS)
    chat = f"{CHAT}Picture 1: <|vision_start|>{pads}<|vision_end|>Remove the rain{END}"
    ids = tokenizer(chat)["input_ids"]
    image = picture()
    wanted = states(qwen, ids, as_seen(image))[217:]
    (found,) = editor.encode_requests([Request("Remove the rain", image)])
    assert found["text"].dtype == torch.float32
    torch.testing.assert_close(found["text"], wanted, atol=1e-5, rtol=1e-5)


def test_quoted_words_are_spelt(editor, qwen):
    tokenizer = qwen[1]

    def ids(text):
        return tokenizer(text)["input_ids"]

    head = f"{CHAT}Picture 1: <|vision_start|>" + "<|image_pad|>" * (ROWS * COLUMNS)
    spelt = ids(head) + ids('<|vision_end|>Remove "') + [*ids("r"), *ids("a"), *ids("i"), *ids("n")] + ids(f'"{END}')
    assert spelt != ids(f'{head}<|vision_end|>Remove "rain"{END}')
    wanted = states(qwen, spelt, as_seen(picture()))[217:]
    for quotes in ('"rain"', "“rain”", "'rain'"):
        (found,) = editor.encode_requests([Request(f"Remove {quotes}", picture())])
        torch.testing.assert_close(found["text"], wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("prompt", ["Remove the rain", ""])
def test_without_a_picture_the_instruction_alone_is_read(prompt, editor, qwen):
    tokenizer = qwen[1]
    tail = tokenizer(f"{prompt}{END}")["input_ids"]
    wanted = states(qwen, tokenizer(f"{CHAT}{prompt}{END}")["input_ids"])[-len(tail) :]
    (found,) = editor.encode_requests([Request(prompt, None)])
    torch.testing.assert_close(found["text"], wanted, atol=1e-5, rtol=1e-5)


def test_a_release_keeps_model_and_processor_apart(release, tmp_path, editor):
    for folder, kinds in {
        "text_encoder": ("config.json", "*.safetensors"),
        "processor": ("*tok*", "*processor*"),
    }.items():
        (tmp_path / folder).mkdir()
        for kind in kinds:
            for path in (release / "qwen").glob(kind):
                (tmp_path / folder / path.name).write_bytes(path.read_bytes())
    request = Request("Remove the rain", picture())
    (found,) = with_reader(release, tmp_path).encode_requests([request])
    assert torch.equal(found["text"], editor.encode_requests([request])[0]["text"])


def test_another_language_model_is_refused(release, tmp_path):
    with pytest.raises(CheckpointError, match=r"has no config\.json"):
        with_reader(release, tmp_path).encode_requests([Request("", None)])
    for path in (release / "qwen").glob("*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"(?s)weights.*norm\.weight: missing"):
        with_reader(release, tmp_path).encode_requests([Request("", None)])
    Qwen2Tokenizer(vocab={"a": 0}).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"the tokenizer in .* has no <\|im_end\|>, <\|im_start\|>"):
        with_reader(release, tmp_path).encode_requests([Request("", None)])


def test_a_request_is_read_alike_in_any_company(editor):
    one, other = Request("Remove the rain", picture()), Request("", None)
    together = editor.encode_requests([other, one, other])
    assert torch.equal(together[1]["text"], editor.encode_requests([one])[0]["text"])


@pytest.mark.parametrize(("height", "width"), [(1, 1), (28, 2000), (1024, 1024), (720, 1280)])
def test_pictures_of_any_size_have_256_to_324_tokens(height, width, editor, qwen):
    others = len(qwen[1](f"{CHAT}Picture 1: <|vision_start|><|vision_end|>{END}")["input_ids"]) - 217
    (found,) = editor.encode_requests([Request("", picture(height, width))])
    assert 256 <= len(found["text"]) - others <= 324


def test_conditions_are_padded_to_640_and_cut_there(editor):
    lengths = (3, 640)
    batch = editor.collate([{"text": torch.ones(length, WIDTH)} for length in lengths])
    assert batch["text"].shape == (2, TEXT, WIDTH) and KEPT["step1x"].length == TEXT == 640
    assert batch["mask"].sum(dim=1).tolist() == list(lengths)
    assert torch.equal(batch["text"][0, 3:], torch.zeros(637, WIDTH))
    long = Request("Remove the rain " * 300, None)
    assert editor.encode_requests([long])[0]["text"].shape == (640, WIDTH)


# --- latents


def test_latents_are_the_shifted_and_scaled_distribution(release, editor):
    pixels = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    vae = load_flux_vae(release / "vae.safetensors")
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        posterior = editor.encode(pixels)
    with torch.no_grad():
        wanted = vae.encode(pixels * 2 - 1).latent_dist
        decoded = vae.decode(posterior.mean / SCALE + SHIFT).sample / 2 + 0.5
    assert posterior.mean.shape == (2, *editor.latent_shape(32, 48))
    torch.testing.assert_close(posterior.mean, (wanted.mean - SHIFT) * SCALE)
    torch.testing.assert_close(posterior.deviation, wanted.std * SCALE)
    torch.testing.assert_close(editor.decode(posterior.mean), decoded)


def test_frozen_encoders_are_no_part_of_the_weights(release):
    editor = filled(release)
    assert editor.frozen() == {}
    editor.encode(torch.zeros(1, 3, 16, 16))
    editor.encode_requests([Request("", None)])
    assert editor.frozen().keys() == {"vae", "text_encoder"}
    assert not any(weight.requires_grad for part in editor.frozen().values() for weight in part.parameters())
    assert all(name.startswith("model.") for name, _ in editor.named_parameters())


def test_the_identity_follows_the_frozen_weights_alone(release, tmp_path, editor):
    assert Step1XEditor(config(release, "v1.0.safetensors")).identity == editor.identity
    weights = load_file(release / "vae.safetensors")
    weights["encoder.conv_in.bias"][0] += 1
    save_file(weights, tmp_path / "vae.safetensors")
    other = config(release)
    other = other.model_copy(update={"editor": other.editor.model_copy(update={"vae": str(tmp_path)})})
    assert Step1XEditor(other).identity != editor.identity


# --- refusals


def test_an_ambiguous_release_names_the_files_to_choose_from(release):
    with pytest.raises(CheckpointError, match=r"training\.editor\.transformer: .*several: v1\.0\.safe.*, v1\.1\.safe"):
        Step1XEditor(config(release, ""))


def test_other_models_are_refused(release, tmp_path):
    with pytest.raises(CheckpointError, match="not a Step1X-Edit checkpoint"):
        Step1XEditor(config(release, "vae.safetensors"))
    wrong = load_file(release / "v1.1.safetensors")
    wrong["stray"] = wrong.pop("txt_in.bias")
    save_file(wrong, tmp_path / "wrong.safetensors")
    with pytest.raises(CheckpointError, match=r"(?s)txt_in\.bias: missing.*stray: unexpected"):
        Step1XEditor(config(release, tmp_path / "wrong.safetensors"))
