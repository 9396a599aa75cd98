"""Times, tokens, positions, prompts, guidance and sizes of each family, by hand and against diffusers."""

import math

import numpy as np
import pytest
import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    FluxKontextPipeline,
    QwenImageEditPipeline,
    QwenImageEditPlusPipeline,
)
from diffusers.models.transformers.transformer_qwenimage import QwenEmbedRope
from diffusers.pipelines.flux.pipeline_flux_kontext import calculate_shift
from hypothesis import given, settings
from hypothesis import strategies as st

from training import flow
from training.families import prompts
from training.families.buckets import Size, aspect_buckets, nearest_bucket
from training.families.guidance import guide, guide_qwen, guide_step1x
from training.families.packing import Grid, TokenCounts, grid, pack, token_counts, unpack
from training.families.positions import image_ids, kontext_ids, qwen_ids, step1x_ids
from training.families.timesteps import FLUX_MU, QWEN_MU, TIMESTEPS, sampling_sigmas, shift_for, training_sigmas

few = settings(max_examples=30, deadline=None)


# --- timesteps


def test_mu_at_the_ends_of_each_line_and_between():
    assert [FLUX_MU.mu(tokens) for tokens in (256, 2176, 4096)] == pytest.approx([0.5, 0.825, 1.15])
    assert [QWEN_MU.mu(tokens) for tokens in (256, 4096, 8192)] == pytest.approx([0.5, 0.5 + 0.4 * 3840 / 7936, 0.9])


@pytest.mark.parametrize("tokens", [100, 256, 1024, 4096, 9000])
def test_mu_is_that_of_diffusers(tokens):
    assert FLUX_MU.mu(tokens) == pytest.approx(calculate_shift(tokens))
    assert QWEN_MU.mu(tokens) == pytest.approx(calculate_shift(tokens, 256, 8192, 0.5, 0.9))


def test_training_shifts():
    shifts = {name: shift_for(rule.training, 4096) for name, rule in TIMESTEPS.items()}
    assert shifts["step1x"] == 3.1582 == pytest.approx(math.exp(1.15), abs=1e-5)
    assert shifts["kontext"] == pytest.approx(3.158193)
    assert shifts["qwen-image-edit"] == pytest.approx(math.exp(0.693548), abs=1e-5)
    assert shifts["uare"] == 4.0
    assert shift_for(TIMESTEPS["step1x"].training, 256) == 3.1582
    assert shift_for(TIMESTEPS["kontext"].training, 256) == pytest.approx(1.648721)


def test_training_sigmas_by_hand():
    normal = torch.tensor([0.0, math.log(3.0)])  # sigmoid: 1/2, 3/4
    assert training_sigmas(normal, TIMESTEPS["uare"], 4096).tolist() == pytest.approx([2 / 2.5, 3 / 3.25])
    assert training_sigmas(normal[:1], TIMESTEPS["step1x"], 1).item() == pytest.approx(3.1582 / 4.1582)


def test_a_shifted_logit_normal_is_one_with_another_mean():
    normal = torch.linspace(-4.0, 4.0, 33)
    sigmas = training_sigmas(normal, TIMESTEPS["kontext"], 1024)
    assert torch.allclose(sigmas, torch.sigmoid(normal + FLUX_MU.mu(1024)), atol=1e-6)


@few
@given(st.floats(0.05, 20.0), st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8))
def test_the_shift_is_monotone_and_fixed_at_both_ends(by, sigmas):
    shifted = flow.shift(torch.tensor([0.0, *sorted(sigmas), 1.0], dtype=torch.float64), by)
    assert shifted[0] == 0.0
    assert shifted[-1] == pytest.approx(1.0, abs=1e-12)
    assert (shifted.diff() >= -1e-12).all()


@pytest.mark.parametrize("name", TIMESTEPS)
@pytest.mark.parametrize("steps", [1, 2, 28])
@pytest.mark.parametrize("tokens", [256, 4096])
def test_sampling_falls_from_one_to_zero(name, steps, tokens):
    sigmas = sampling_sigmas(TIMESTEPS[name], tokens, steps)
    assert sigmas.shape == (steps + 1,)
    assert sigmas[0] == pytest.approx(1.0)
    assert sigmas[-1] == 0.0
    assert (sigmas.diff() < 0).all()


def test_two_steps_by_hand():
    assert sampling_sigmas(TIMESTEPS["uare"], 4096, 2).tolist() == pytest.approx([1.0, 0.8, 0.0])
    assert sampling_sigmas(TIMESTEPS["step1x"], 4096, 2)[1].item() == pytest.approx(3.158193 / 4.158193)
    assert sampling_sigmas(TIMESTEPS["qwen-image-edit"], 4096, 2).tolist() == pytest.approx([1.0, 0.02, 0.0])


@pytest.mark.parametrize("name", TIMESTEPS)
@pytest.mark.parametrize("tokens", [1024, 4096])
def test_sampling_is_that_of_the_scheduler_of_diffusers(name, tokens):
    rule, steps = TIMESTEPS[name], 28
    moving = not isinstance(rule.sampling, float)
    scheduler = FlowMatchEulerDiscreteScheduler(
        shift=1.0 if moving else rule.sampling, use_dynamic_shifting=moving, shift_terminal=rule.terminal
    )
    mu = rule.sampling.mu(tokens) if moving else None
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)
    assert torch.allclose(sampling_sigmas(rule, tokens, steps).float(), scheduler.sigmas, atol=1e-6)


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="steps: 0"):
        sampling_sigmas(TIMESTEPS["step1x"], 4096, 0)


# --- packing


def test_a_token_holds_a_patch_of_each_channel():
    latents = torch.arange(2 * 4 * 4).reshape(1, 2, 4, 4)
    tokens = pack(latents)
    assert tokens.shape == (1, 4, 8)
    assert tokens[0, 0].tolist() == [0, 1, 4, 5, 16, 17, 20, 21]
    assert tokens[0, 1].tolist() == [2, 3, 6, 7, 18, 19, 22, 23]
    assert tokens[0, 2].tolist() == [8, 9, 12, 13, 24, 25, 28, 29]


@few
@given(st.integers(1, 2), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
def test_unpack_undoes_pack_and_both_are_those_of_diffusers(batch, channels, rows, columns):
    latents = torch.randn(batch, channels, 2 * rows, 2 * columns, generator=torch.Generator().manual_seed(0))
    tokens = pack(latents)
    assert torch.equal(unpack(tokens, rows, columns), latents)
    assert torch.equal(tokens, FluxKontextPipeline._pack_latents(latents, batch, channels, 2 * rows, 2 * columns))
    assert torch.equal(latents, FluxKontextPipeline._unpack_latents(tokens, 16 * rows, 16 * columns, 8))


def test_token_counts_of_a_square_and_of_another_shape():
    square = grid(1024, 1024)
    counts = token_counts(prompts.KEPT["step1x"].length, square, square)
    assert counts == TokenCounts(640, 4096, 4096)
    assert (counts.image, counts.total) == (8192, 8832)
    assert token_counts(512, grid(512, 2048), grid(16, 32)) == TokenCounts(512, 4096, 2)


def test_sides_that_tokens_do_not_fill_are_refused():
    with pytest.raises(ValueError, match="1000×1024: sides must be multiples of 16"):
        grid(1000, 1024)
    with pytest.raises(ValueError, match="0×16"):
        grid(0, 16)
    with pytest.raises(ValueError, match="3×4: sides must be even"):
        pack(torch.zeros(1, 1, 3, 4))
    with pytest.raises(ValueError, match="8 tokens do not fill 2×2"):
        unpack(torch.zeros(1, 8, 4), 2, 2)


# --- positions


def test_step1x_ids_of_both_versions():
    places = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    for version, image in (("1.0", 0), ("1.1", 1)):
        ids = step1x_ids(4, Grid(2, 3), version)
        assert torch.equal(ids.text, torch.zeros(4, 3))
        assert ids.image.tolist() == [[0, *place] for place in places] + [[image, *place] for place in places]


def test_kontext_ids_are_those_of_diffusers():
    ids = kontext_ids(5, Grid(2, 3), Grid(4, 1))
    target, reference = (
        FluxKontextPipeline._prepare_latent_image_ids(1, *side, "cpu", None) for side in ((2, 3), (4, 1))
    )
    reference[:, 0] = 1
    assert torch.equal(ids.image, torch.cat([target, reference]))
    assert torch.equal(ids.text, torch.zeros(5, 3))


def test_qwen_ids_by_hand():
    ids = qwen_ids(2, Grid(3, 2), [Grid(1, 4)])
    assert ids.image[:6].tolist() == [[0, -2, -1], [0, -2, 0], [0, -1, -1], [0, -1, 0], [0, 0, -1], [0, 0, 0]]
    assert ids.image[6:].tolist() == [[1, -1, -2], [1, -1, -1], [1, -1, 0], [1, -1, 1]]
    assert ids.text.tolist() == [[2, 2, 2], [3, 3, 3]]


@pytest.mark.parametrize("grids", [[Grid(4, 6)], [Grid(5, 3), Grid(2, 7)], [Grid(3, 3), Grid(1, 1), Grid(8, 2)]])
def test_qwen_ids_turn_as_the_rotation_of_diffusers(grids):
    axes = [4, 6, 8]
    images, text = QwenEmbedRope(10000, axes, scale_rope=True)([[(1, *side) for side in grids]], max_txt_seq_len=7)
    ids = qwen_ids(7, grids[0], grids[1:])
    for ours, theirs in ((ids.image, images), (ids.text, text)):
        angles = [
            ours[:, axis, None] / 10000 ** (torch.arange(0, width, 2).float() / width)
            for axis, width in enumerate(axes)
        ]
        angle = torch.cat(angles, dim=1)
        assert torch.allclose(torch.polar(torch.ones_like(angle), angle), theirs, atol=1e-5)


sides = st.builds(Grid, st.integers(1, 6), st.integers(1, 6))


@few
@given(sides, sides)
def test_ids_are_unique_but_where_step1x_lays_the_reference_over_the_target(target, reference):
    total = target.tokens + reference.tokens
    assert len(kontext_ids(1, target, reference).image.unique(dim=0)) == total
    assert len(qwen_ids(1, target, [reference]).image.unique(dim=0)) == total
    assert len(step1x_ids(1, target, "1.1").image.unique(dim=0)) == 2 * target.tokens
    assert len(step1x_ids(1, target, "1.0").image.unique(dim=0)) == target.tokens
    assert len(image_ids(3, target).unique(dim=0)) == target.tokens


# --- prompts


def test_the_chat_of_step1x():
    chat = prompts.step1x_prompt("Remove the haze")
    assert chat.startswith(
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nGiven a user prompt, "
    )
    assert chat.endswith(
        "or evaluations:\nUser Prompt:Picture 1: <|vision_start|><|image_pad|><|vision_end|>Remove the haze"
        "<|im_end|>\n<|im_start|>assistant\n"
    )
    assert chat.count("<|image_pad|>") == prompts.step1x_prompt("").count("<|image_pad|>") == 1
    assert prompts.STEP1X_PREFIX.count("\n") == 9
    assert prompts.STEP1X_PREFIX.count("\n\n") == 2


def test_qwen_templates_are_those_of_diffusers():
    nothing = dict.fromkeys(("scheduler", "vae", "text_encoder", "tokenizer", "processor", "transformer"))
    edit, plus = QwenImageEditPipeline(**nothing), QwenImageEditPlusPipeline(**nothing)
    kept = prompts.KEPT["qwen-image-edit"]
    assert kept.drop == edit.prompt_template_encode_start_idx == plus.prompt_template_encode_start_idx
    assert prompts.qwen_prompt("Derain {it}") == edit.prompt_template_encode.format("Derain {it}")
    pictures = "".join(f"Picture {i}: <|vision_start|><|image_pad|><|vision_end|>" for i in (1, 2))
    assert prompts.qwen_plus_prompt("Derain", 2) == plus.prompt_template_encode.format(pictures + "Derain")


def test_words_in_quotes_are_spelt():
    assert prompts.step1x_pieces(prompts.step1x_prompt("Remove the haze")) == [
        prompts.Piece(prompts.step1x_prompt("Remove the haze"), quoted=False)
    ]
    pieces = prompts.step1x_pieces(prompts.step1x_prompt("Write “a b” here"))
    assert pieces[0].text.endswith('Write "')
    assert pieces[1:4] == [prompts.Piece(character, quoted=True) for character in "a b"]
    assert pieces[4:] == [prompts.Piece('" here<|im_end|>\n<|im_start|>assistant\n', quoted=False)]


def test_an_apostrophe_spells_the_rest():
    pieces = prompts.step1x_pieces(prompts.step1x_prompt("the lens's flare"))
    assert pieces[0].text.endswith('the lens"')
    assert "".join(piece.text for piece in pieces[1:]) == "s flare<|im_end|>\n<|im_start|>assistant\n"
    assert all(piece.quoted for piece in pieces[1:])


@few
@given(st.text(max_size=40))
def test_pieces_join_to_the_prompt_with_plain_quotes(instruction):
    chat = prompts.step1x_prompt(instruction)
    plain = chat.replace("'", '"').replace("“", '"').replace("”", '"')
    pieces = prompts.step1x_pieces(chat)
    assert "".join(piece.text for piece in pieces) == plain
    assert all(len(piece.text) == 1 for piece in pieces if piece.quoted)


def test_what_is_kept_of_the_encoded_tokens():
    long, short = torch.arange(900.0)[:, None].repeat(1, 2), torch.ones(220, 2)
    embeddings, mask = prompts.keep([long, short], prompts.KEPT["step1x"])
    assert embeddings.shape == (2, 640, 2)
    assert embeddings[0, [0, -1], 0].tolist() == [217.0, 856.0]
    assert mask.sum(dim=1).tolist() == [640, 3]
    assert embeddings[1, :3].eq(1).all() and embeddings[1, 3:].eq(0).all()


def test_without_a_length_the_longest_prompt_sets_it():
    embeddings, mask = prompts.keep([torch.ones(70, 1), torch.ones(66, 1)], prompts.KEPT["qwen-image-edit"])
    assert embeddings[..., 0].tolist() == [[1.0] * 6, [1.0] * 2 + [0.0] * 4]
    assert torch.equal(mask, embeddings[..., 0] == 1)


def test_a_prompt_shorter_than_the_template_keeps_nothing():
    embeddings, mask = prompts.keep([torch.ones(10, 1)], prompts.KEPT["step1x"])
    assert not embeddings.any() and not mask.any()


# --- guidance

CONDITIONAL = torch.tensor([[[3.0, 4.0], [0.3, 0.4]]])
UNCONDITIONAL = torch.zeros(1, 1, 2)


def test_guidance_by_hand():
    assert guide(torch.tensor(2.0), torch.tensor(0.5), 3.0).item() == 5.0


def test_step1x_tempers_long_differences_at_the_noisy_end_alone():
    noisy = guide_step1x(CONDITIONAL, UNCONDITIONAL, 3.0, sigma=0.95)
    assert torch.allclose(noisy[0, 0], 3.0 * CONDITIONAL[0, 0] / 5.0**0.4)
    assert torch.allclose(noisy[0, 1], 3.0 * CONDITIONAL[0, 1])
    for sigma, limit in ((0.93, 0.93), (0.5, 0.93), (1.0, 1.0)):
        plain = guide_step1x(CONDITIONAL, UNCONDITIONAL, 3.0, sigma, limit)
        assert torch.equal(plain, guide(CONDITIONAL, UNCONDITIONAL, 3.0))


def test_qwen_keeps_the_norm_of_the_conditional_velocity():
    guided = guide_qwen(CONDITIONAL, torch.tensor([[[1.0, 0.0]]]), 4.0)
    assert torch.allclose(guided.norm(dim=2), CONDITIONAL.norm(dim=2))
    assert torch.allclose(guided[0, 0], torch.tensor([9.0, 16.0]) * 5.0 / math.sqrt(337.0))
    assert torch.equal(guide_qwen(torch.ones(1, 1, 2), torch.full((1, 1, 2), 2.0), 2.0), torch.zeros(1, 1, 2))


@pytest.mark.parametrize("rule", [guide, guide_qwen])
def test_scale_one_is_the_conditional_velocity(rule):
    assert torch.allclose(rule(CONDITIONAL, torch.ones(1, 2, 2), 1.0), CONDITIONAL)


# --- buckets


def test_the_default_buckets():
    buckets = aspect_buckets()
    assert {Size(1024, 1024), Size(832, 1264), Size(1424, 736)} <= set(buckets)
    assert buckets[0].aspect < 0.52 and buckets[-1].aspect > 1.92
    assert Size(1024, 1024) == buckets[len(buckets) // 2]


@few
@given(st.sampled_from([256, 512, 768, 1024]), st.sampled_from([16, 32, 64]), st.sampled_from([0.01, 0.05, 0.1]))
def test_buckets_keep_their_promises(side, multiple, tolerance):
    buckets = aspect_buckets(side**2, multiple, tolerance, widest=2.0)
    assert len(set(buckets)) == len(buckets)
    assert [size.aspect for size in buckets] == sorted(size.aspect for size in buckets)
    for size in buckets:
        assert size.height % multiple == size.width % multiple == 0
        assert abs(size.height * size.width / side**2 - 1) <= tolerance
        assert 0.5 <= size.aspect <= 2.0
        assert Size(size.width, size.height) in buckets
        assert nearest_bucket(*size, buckets) == size


def test_the_nearest_bucket_of_a_picture():
    buckets = [Size(1280, 832), Size(1024, 1024), Size(832, 1280), Size(512, 2048)]
    assert nearest_bucket(2000, 3000, buckets) == Size(832, 1280)
    assert nearest_bucket(3000, 2000, buckets) == Size(1280, 832)
    assert nearest_bucket(100, 99, buckets) == Size(1024, 1024)
    assert nearest_bucket(1, 5000, buckets) == Size(512, 2048)


def test_no_bucket_is_an_error_that_says_what_to_change():
    with pytest.raises(ValueError, match=r"sides multiple of 64.*raise the tolerance or lower the multiple"):
        aspect_buckets(area=1000 * 1000, multiple=64, tolerance=0.001)
