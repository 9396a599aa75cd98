"""The small editor on FLUX.1's latents, through TAEF1's class."""

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny

from schemas.errors import CheckpointError
from schemas.recipe.training import ObjectiveSection, TinySection
from tests.conftest import SHARED
from training.editors import build_editor
from training.editors.base import EditorConfig, Request
from training.sampling import sample

SMALL = {"heads": 1, "double_blocks": 1, "single_blocks": 1, "words": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    sizes = {"encoder_block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4}
    blocks = {"num_encoder_blocks": (1,) * 4, "num_decoder_blocks": (1,) * 4}
    model = AutoencoderTiny(latent_channels=16, **sizes, **blocks)
    place = tmp_path_factory.mktemp("autoencoder")
    model.save_pretrained(place)
    return place


def config(place, form="noise_free"):
    section = TinySection(latents=str(place), **SMALL)
    return EditorConfig(editor=section, objective=ObjectiveSection(form=form), crop=32, steps=1)


def request():
    return Request("Please dehaze the image.", np.full((20, 30, 3), 90, np.uint8))


@pytest.mark.parametrize("form", ["noise", "noise_free"])
def test_latents_are_an_eighth_of_the_side_and_the_velocity_has_their_shape(folder, form):
    editor = build_editor(config(folder, form), seed=0)
    pixels = torch.rand(2, 3, 32, 48)
    latents = editor.encode(pixels).mean
    assert latents.shape == (2, *editor.latent_shape(32, 48)) == (2, 16, 4, 6)
    assert editor.decode(latents).shape == pixels.shape
    condition = editor.collate(editor.encode_requests([request()] * 2))
    reference = latents if form == "noise" else None
    assert editor(latents, torch.tensor([0.3, 0.6]), reference, condition).shape == latents.shape


def test_untrained_it_restores_what_the_autoencoder_makes_of_the_picture(folder):
    editor = build_editor(config(folder), seed=0)
    pixels = torch.rand(1, 3, 32, 32)
    restored = sample(editor, pixels, [request()], torch.zeros(1, 16, 4, 4), steps=2)
    through = editor.decode(editor.encode(pixels).mean).clamp(0, 1)
    assert (restored - through).abs().max() <= 0.5 / 255 + 1e-6


def test_the_autoencoder_is_no_part_of_the_weights(folder):
    editor = build_editor(config(folder), seed=0)
    editor.encode(torch.rand(1, 3, 16, 16))
    frozen = editor.frozen()["autoencoder"]
    mine = {id(parameter) for parameter in editor.parameters()}
    assert not any(id(parameter) in mine or parameter.requires_grad for parameter in frozen.parameters())
    assert editor.identity.startswith("taef1@")


def test_another_autoencoder_is_refused(tmp_path):
    sizes = {"encoder_block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4}
    AutoencoderTiny(latent_channels=4, **sizes).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="4 latent channels"):
        build_editor(config(tmp_path), seed=0).encode(torch.rand(1, 3, 16, 16))


def test_taef1_gives_a_photograph_back():
    place = SHARED / "weights" / "taef1"
    if not place.is_dir():
        pytest.skip("no TAEF1 weights beside the project")
    editor = build_editor(config(place), seed=0)
    ramp = torch.linspace(0.1, 0.9, 64)
    pixels = torch.stack([ramp.expand(64, 64), ramp[:, None].expand(64, 64), torch.full((64, 64), 0.4)])[None]
    assert (editor.decode(editor.encode(pixels).mean) - pixels).abs().mean() < 0.03
