"""The structural count, against PyTorch's own counter and the figures of Step1X-Edit."""

import pytest
import torch
from diffusers import FluxTransformer2DModel
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from training.families.packing import TokenCounts, grid, token_counts
from training.flops import PEAKS, FluxShape, forward_flops, peak_flops, training_flops, utilisation

STEP1X = FluxShape(
    double_blocks=19,
    single_blocks=38,
    width=3072,
    channels=64,
    out_channels=64,
    text_width=4096,
    pooled_width=768,
    guidance=False,
)


def test_one_token_of_each_kind_by_hand():
    shape = FluxShape(1, 1, 2, channels=3, out_channels=5, text_width=7, pooled_width=11, guidance=False)
    blocks = 2 * (24 * 4 * 3 + 4 * 2 * 9)
    modulation = 2 * 4 * (12 + 3 + 2)
    embedded = 2 * 2 * (256 + 2 + 11 + 2)
    ends = 2 * 2 * (2 * (3 + 5) + 1 * 7)
    assert forward_flops(shape, TokenCounts(1, 1, 1)) == blocks + modulation + embedded + ends


@pytest.mark.parametrize("guidance", [False, True])
def test_the_count_is_that_of_pytorch(guidance):
    model = FluxTransformer2DModel(
        in_channels=16,
        num_layers=2,
        num_single_layers=3,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=24,
        pooled_projection_dim=20,
        axes_dims_rope=(4, 6, 6),
        guidance_embeds=guidance,
    )
    tokens = TokenCounts(text=5, target=6, reference=6)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(
            hidden_states=torch.zeros(1, tokens.image, 16),
            encoder_hidden_states=torch.zeros(1, tokens.text, 24),
            pooled_projections=torch.zeros(1, 20),
            timestep=torch.zeros(1),
            guidance=torch.zeros(1) if guidance else None,
            img_ids=torch.zeros(tokens.image, 3),
            txt_ids=torch.zeros(tokens.text, 3),
        )
    assert forward_flops(FluxShape.of(model.config), tokens) == counter.get_total_flops()


def test_a_training_sample_of_step1x_at_1024():
    square = grid(1024, 1024)
    tokens = token_counts(640, square, square)
    assert training_flops(STEP1X, tokens) == pytest.approx(506e12, rel=1e-3)
    assert training_flops(STEP1X, tokens) == 3 * forward_flops(STEP1X, tokens)


def test_utilisation_of_eight_h800():
    flops = 64 * training_flops(STEP1X, TokenCounts(640, 4096, 4096))
    peak = peak_flops("NVIDIA H800")
    assert utilisation(flops, seconds=flops / (8 * peak), peak=8 * peak) == pytest.approx(1.0)
    assert utilisation(506e12, seconds=1.0, peak=peak) == pytest.approx(0.5114, abs=1e-4)


@pytest.mark.parametrize(
    ("device", "title"),
    [
        ("NVIDIA H100 80GB HBM3", "H100 SXM"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA H800", "H800"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("NVIDIA A100 80GB PCIe", "A100"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
    ],
)
def test_devices_by_the_name_that_cuda_gives(device, title):
    assert peak_flops(device) == peak_flops(title) == PEAKS[title].flops


@pytest.mark.parametrize(
    "device",
    [
        "NVIDIA GeForce RTX 4090 D",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA H100 NVL",
        "NVIDIA H200 NVL",
        "NVIDIA H800 PCIe",
        "NVIDIA L40",
        "NVIDIA A100-SXM4-80GB MIG 1g.10gb",
        "cpu",
    ],
)
def test_no_peak_is_guessed(device):
    assert peak_flops(device) is None


def test_every_peak_has_a_source():
    assert set(PEAKS) == {"H100 SXM", "H100 PCIe", "H200", "H800", "A100", "L40S", "RTX 4090"}
    assert all(peak.source for peak in PEAKS.values())
