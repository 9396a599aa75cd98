"""diffusers' AutoencoderKL with FLUX's published weights is FLUX's autoencoder, and they go both ways."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file

from schemas.errors import CheckpointError
from training.editors.flux_vae import SCALE, SHIFT, load_flux_vae, save_official_vae

WIDTHS, BLOCKS, LATENT = (32, 64, 64), 2, 4
TOP = WIDTHS[-1]


def resnet(name: str, before: int, after: int) -> dict[str, tuple[int, ...]]:
    layers = {f"{name}.norm1": (before,), f"{name}.conv1": (after, before, 3, 3), f"{name}.norm2": (after,)}
    layers[f"{name}.conv2"] = (after, after, 3, 3)
    return layers | ({f"{name}.nin_shortcut": (after, before, 1, 1)} if before != after else {})


def published() -> dict[str, torch.Tensor]:
    """Random weights under the published names, written down here from the published modules."""
    layers: dict[str, tuple[int, ...]] = {}
    for side in ("encoder", "decoder"):
        for block in (1, 2):
            layers |= resnet(f"{side}.mid.block_{block}", TOP, TOP)
        layers[f"{side}.mid.attn_1.norm"] = (TOP,)
        layers |= {f"{side}.mid.attn_1.{each}": (TOP, TOP, 1, 1) for each in ("q", "k", "v", "proj_out")}
    layers |= {"encoder.conv_in": (WIDTHS[0], 3, 3, 3), "encoder.norm_out": (TOP,)}
    layers |= {"encoder.conv_out": (2 * LATENT, TOP, 3, 3), "decoder.conv_in": (TOP, LATENT, 3, 3)}
    layers |= {"decoder.norm_out": (WIDTHS[0],), "decoder.conv_out": (3, WIDTHS[0], 3, 3)}
    width = WIDTHS[0]
    for level, after in enumerate(WIDTHS):
        for block in range(BLOCKS):
            layers |= resnet(f"encoder.down.{level}.block.{block}", width, after)
            width = after
        if level < len(WIDTHS) - 1:
            layers[f"encoder.down.{level}.downsample.conv"] = (width, width, 3, 3)
    for level in reversed(range(len(WIDTHS))):
        for block in range(BLOCKS + 1):
            layers |= resnet(f"decoder.up.{level}.block.{block}", width, WIDTHS[level])
            width = WIDTHS[level]
        if level:
            layers[f"decoder.up.{level}.upsample.conv"] = (width, width, 3, 3)
    generator, weights = torch.Generator().manual_seed(0), {}
    for name, shape in layers.items():
        noise = torch.randn(shape, generator=generator)
        weights[f"{name}.weight"] = 1 + 0.2 * noise if len(shape) == 1 else noise / noise[0].numel() ** 0.5
        weights[f"{name}.bias"] = 0.2 * torch.randn(shape[0], generator=generator)
    return weights


class Plain:
    """The published autoencoder as functions over its published weights."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        self.w = weights

    def conv(self, name, x, **how):
        return F.conv2d(x, self.w[f"{name}.weight"], self.w[f"{name}.bias"], **how)

    def norm(self, name, x):
        groups = x.unflatten(1, (32, -1))
        mean, var = groups.mean((2, 3, 4), keepdim=True), groups.var((2, 3, 4), unbiased=False, keepdim=True)
        flat = ((groups - mean) / (var + 1e-6).sqrt()).flatten(1, 2)
        return flat * self.w[f"{name}.weight"][:, None, None] + self.w[f"{name}.bias"][:, None, None]

    def resnet(self, name, x):
        h = self.conv(f"{name}.conv1", F.silu(self.norm(f"{name}.norm1", x)), padding=1)
        h = self.conv(f"{name}.conv2", F.silu(self.norm(f"{name}.norm2", h)), padding=1)
        return h + (self.conv(f"{name}.nin_shortcut", x) if f"{name}.nin_shortcut.weight" in self.w else x)

    def middle(self, side, x):
        x = self.resnet(f"{side}.mid.block_1", x)
        h = self.norm(f"{side}.mid.attn_1.norm", x)
        q, k, v = (self.conv(f"{side}.mid.attn_1.{each}", h).flatten(2).mT for each in "qkv")
        heard = ((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v).mT.unflatten(2, x.shape[2:])
        return self.resnet(f"{side}.mid.block_2", x + self.conv(f"{side}.mid.attn_1.proj_out", heard))

    def encode(self, x):
        x = self.conv("encoder.conv_in", x, padding=1)
        for level in range(len(WIDTHS)):
            for block in range(BLOCKS):
                x = self.resnet(f"encoder.down.{level}.block.{block}", x)
            if level < len(WIDTHS) - 1:
                x = self.conv(f"encoder.down.{level}.downsample.conv", F.pad(x, (0, 1, 0, 1)), stride=2)
        x = F.silu(self.norm("encoder.norm_out", self.middle("encoder", x)))
        return self.conv("encoder.conv_out", x, padding=1)

    def decode(self, z):
        x = self.middle("decoder", self.conv("decoder.conv_in", z, padding=1))
        for level in reversed(range(len(WIDTHS))):
            for block in range(BLOCKS + 1):
                x = self.resnet(f"decoder.up.{level}.block.{block}", x)
            if level:
                x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
                x = self.conv(f"decoder.up.{level}.upsample.conv", x, padding=1)
        return self.conv("decoder.conv_out", F.silu(self.norm("decoder.norm_out", x)), padding=1)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "ae.safetensors"
    save_file(published(), path)
    return path


def test_the_converted_model_is_the_published_one(file):
    model, plain = load_flux_vae(file), Plain(published())
    generator = torch.Generator().manual_seed(1)
    pixels = torch.rand(2, 3, 16, 24, generator=generator) * 2 - 1
    latents = torch.randn(2, LATENT, 4, 6, generator=generator)
    with torch.no_grad():
        moments = model.encode(pixels).latent_dist.parameters
        torch.testing.assert_close(moments, plain.encode(pixels), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(model.decode(latents).sample, plain.decode(latents), atol=1e-5, rtol=1e-5)
    assert moments.std() > 0.3


def test_shift_and_scale_are_in_the_configuration(file):
    config = load_flux_vae(file).config
    assert (config.shift_factor, config.scaling_factor) == (SHIFT, SCALE) == (0.1159, 0.3611)


def test_published_keys_round_trip_to_the_bit(file, tmp_path):
    save_official_vae(load_flux_vae(file), tmp_path / "out.safetensors")
    out, weights = load_file(tmp_path / "out.safetensors"), published()
    assert out.keys() == weights.keys()
    assert all(torch.equal(out[name], weights[name]) for name in weights)


def test_diffusers_loads_the_exported_folder(file, tmp_path):
    model = load_flux_vae(file)
    model.save_pretrained(tmp_path / "vae")
    theirs, told = AutoencoderKL.from_pretrained(tmp_path / "vae", output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"]
    for other in (theirs, load_flux_vae(tmp_path / "vae")):
        assert other.state_dict().keys() == model.state_dict().keys()
        assert all(torch.equal(weight, other.state_dict()[name]) for name, weight in model.state_dict().items())


def test_the_folder_of_realrestorers_release_is_read(file, tmp_path):
    inner = {f"inner_model.{name}": tensor for name, tensor in published().items()}
    folder = tmp_path / "vae"
    folder.mkdir()
    save_file(inner, folder / "diffusion_pytorch_model.safetensors")
    (folder / "config.json").write_text('{"_class_name": "RealRestorerAutoencoderKL"}')
    found, wanted = load_flux_vae(folder).state_dict(), load_flux_vae(file).state_dict()
    assert found.keys() == wanted.keys() and all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_every_wrong_key_is_listed(tmp_path):
    weights = published()
    del weights["decoder.up.2.block.1.conv1.weight"]
    weights["encoder.mid.attn_1.q.weight"] = torch.zeros(TOP, TOP)
    weights["quant_conv.weight"] = torch.zeros(8, 8, 1, 1)
    save_file(weights, tmp_path / "wrong.safetensors")
    with pytest.raises(CheckpointError) as caught:
        load_flux_vae(tmp_path / "wrong.safetensors")
    for line in (
        "decoder.up.2.block.1.conv1.weight: missing",
        "quant_conv.weight: unexpected",
        "encoder.mid.attn_1.q.weight: (64, 64) there, (64, 64, 1, 1) in the model",
    ):
        assert line in str(caught.value)
    assert str(caught.value).count("\n") == 3


def test_another_autoencoder_is_refused(file, tmp_path):
    model = load_flux_vae(file)
    save_file(model.state_dict(), tmp_path / "renamed.safetensors")
    with pytest.raises(CheckpointError, match=r"(?s)not FLUX's autoencoder; missing:.*encoder\.down\.0\.block"):
        load_flux_vae(tmp_path / "renamed.safetensors")
    model.register_to_config(shift_factor=None, scaling_factor=0.18215)
    model.save_pretrained(tmp_path / "other")
    with pytest.raises(CheckpointError, match=r"scale 0\.18215, not FLUX's"):
        load_flux_vae(tmp_path / "other")
