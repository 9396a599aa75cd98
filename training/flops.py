"""Floating point operations of a Flux-shaped transformer, counted from its structure, and the share of a device's peak.

A product of (n, k) and (k, m) is 2·n·k·m operations. Norms, activations and rotations are not counted. Model FLOPs
utilisation divides by what the model needs, not by what checkpointing computes twice (Chowdhery et al. 2022, PaLM).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from training.families.packing import TokenCounts

#: Width of the sinusoid that embeds the time in diffusers' Flux.
_SINUSOID = 256


class FluxShape(NamedTuple):
    """The widths that the count needs. guidance: whether a guidance scale is embedded beside the time."""

    double_blocks: int
    single_blocks: int
    width: int
    channels: int
    out_channels: int
    text_width: int
    pooled_width: int
    guidance: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """The shape of a `FluxTransformer2DModel.config` (diffusers)."""
        out_channels = config["out_channels"] or config["in_channels"]
        return cls(
            double_blocks=config["num_layers"],
            single_blocks=config["num_single_layers"],
            width=config["num_attention_heads"] * config["attention_head_dim"],
            channels=config["in_channels"],
            out_channels=config["patch_size"] ** 2 * out_channels,
            text_width=config["joint_attention_dim"],
            pooled_width=config["pooled_projection_dim"],
            guidance=config["guidance_embeds"],
        )


def forward_flops(shape: FluxShape, tokens: TokenCounts) -> int:
    """Operations of one sample's forward pass.

    A block of either kind has 12·d² weights a token (queries, keys, values and output 4, MLP 8) and attention of
    4·S²·d; its modulation, 12·d² weights in a double block and 3·d² in a single one, acts once a sample.
    """
    d, total = shape.width, tokens.total
    blocks = (shape.double_blocks + shape.single_blocks) * (24 * d * d * total + 4 * d * total * total)
    modulation = 2 * d * d * (12 * shape.double_blocks + 3 * shape.single_blocks + 2)
    sinusoids = 2 if shape.guidance else 1
    embedded = 2 * d * (sinusoids * (_SINUSOID + d) + shape.pooled_width + d)
    ends = 2 * d * (tokens.image * (shape.channels + shape.out_channels) + tokens.text * shape.text_width)
    return blocks + modulation + embedded + ends


def training_flops(shape: FluxShape, tokens: TokenCounts) -> int:
    """Operations of one sample's forward and backward pass: three forward passes, as when every weight is trained."""
    return 3 * forward_flops(shape, tokens)


class Peak(NamedTuple):
    """flops: bf16 matrix products with fp32 sums, dense, operations a second. names: what CUDA calls the device."""

    flops: float
    names: str
    source: str


PEAKS: dict[str, Peak] = {
    "H100 SXM": Peak(989.4e12, r"H100 (80GB HBM3|SXM.*)", "NVIDIA H100 Tensor Core GPU Architecture, 2022"),
    "H100 PCIe": Peak(756e12, r"H100 PCIe", "NVIDIA H100 Tensor Core GPU Architecture, 2022"),
    "H200": Peak(989.4e12, r"H200", "NVIDIA H200 data sheet, 2023 (1979 with sparsity)"),
    "H800": Peak(989.4e12, r"H800", "the H100 SXM's; the H800 differs in NVLink and fp64 (NVIDIA, 2023)"),
    "A100": Peak(312e12, r"A100.*GB.*", "NVIDIA A100 data sheet, 2020"),
    "L40S": Peak(362.05e12, r"L40S", "NVIDIA L40S data sheet, 2023"),
    "RTX 4090": Peak(165.2e12, r"RTX 4090", "NVIDIA Ada GPU Architecture, 2022 (fp32 accumulation)"),
}


def peak_flops(device: str) -> float | None:
    """The peak of a device by its name in the table or by `torch.cuda.get_device_name`; None for one not listed.

    Variants with other clocks (NVL, D, Laptop, slices of a GPU) are not listed, so they do not pass for the full card.
    """
    name = re.sub(r"^(NVIDIA )?(GeForce )?", "", device)
    for title, peak in PEAKS.items():
        if name == title or (re.fullmatch(peak.names, name) and "MIG" not in name):
            return peak.flops
    return None


def utilisation(flops: float, seconds: float, peak: float) -> float:
    """MFU: the share of `peak` (operations a second of all devices together) that `flops` in `seconds` used."""
    return flops / (seconds * peak)
