"""Step1X-Edit's published transformer as plain functions over its published weights.

FLUX (Black Forest Labs, 2024) with a token refiner (HunyuanVideo, 2024) before it; no class of any library.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

Weights = Mapping[str, Tensor]


def linear(w: Weights, name: str, x: Tensor) -> Tensor:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def two_layers(w: Weights, first: str, second: str, x: Tensor) -> Tensor:
    return linear(w, second, F.silu(linear(w, first, x)))


def wave(t: Tensor) -> Tensor:
    """128 cosines, then 128 sines, of 1000 t at wavelengths from 2π to 10000·2π, rounded as published: to float32."""
    angle = 1000.0 * t[:, None] * torch.exp(-math.log(10000.0) * torch.arange(128) / 128)
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def normalise(x: Tensor) -> Tensor:
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-6).sqrt()


def rms(x: Tensor, scale: Tensor) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * scale


def heads_of(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def attend(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None) -> Tensor:
    """Softmax attention over (B, heads, S, d), then the heads side by side."""
    score = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if allowed is not None:
        score = score.masked_fill(~allowed, -torch.inf)
    return (score.softmax(-1) @ v).transpose(1, 2).flatten(2)


def angles(ids: Tensor, head_dim: int) -> Tensor:
    """Rotation of each pair of a head's numbers: (S, head_dim / 2). Axes take 1/8, 7/16 and 7/16 of the head."""
    parts = []
    for axis, share in enumerate((2, 7, 7)):
        width = share * head_dim // 16
        speed = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
        parts.append(ids[:, axis, None].double() * speed)
    return torch.cat(parts, dim=1)


def rotate(x: Tensor, angle: Tensor) -> Tensor:
    pairs = torch.view_as_complex(x.double().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angle), angle)).flatten(-2).float()


def connector(w: Weights, text: Tensor, t: Tensor, mask: Tensor, head_dim: int) -> tuple[Tensor, Tensor]:
    mean = torch.stack([row[valid].mean(0) for row, valid in zip(text, mask, strict=True)])
    pooled = mean * (1 + w["connector.scale_factor"]) if "connector.scale_factor" in w else mean
    s = "connector.S"
    condition = two_layers(w, f"{s}.t_embedder.mlp.0", f"{s}.t_embedder.mlp.2", wave(t))
    condition = condition + two_layers(w, f"{s}.c_embedder.linear_1", f"{s}.c_embedder.linear_2", mean)
    x = linear(w, f"{s}.input_embedder", text)
    heads = x.shape[-1] // head_dim
    allowed = mask[:, :, None] & mask[:, None, :]
    allowed[:, :, 0] = True
    block = 0
    while f"{s}.individual_token_refiner.blocks.{block}.norm1.weight" in w:
        b = f"{s}.individual_token_refiner.blocks.{block}"
        gate_attention, gate_mlp = linear(w, f"{b}.adaLN_modulation.1", F.silu(condition))[:, None].chunk(2, -1)
        h = normalise(x) * w[f"{b}.norm1.weight"] + w[f"{b}.norm1.bias"]
        q, k, v = (heads_of(each, heads) for each in linear(w, f"{b}.self_attn_qkv", h).chunk(3, -1))
        x = x + gate_attention * linear(w, f"{b}.self_attn_proj", attend(q, k, v, allowed[:, None]))
        h = normalise(x) * w[f"{b}.norm2.weight"] + w[f"{b}.norm2.bias"]
        x = x + gate_mlp * two_layers(w, f"{b}.mlp.fc1", f"{b}.mlp.fc2", h)
        block += 1
    return x, linear(w, "connector.global_proj_out", pooled)


def step1x(
    w: Weights, target: Tensor, reference: Tensor, grid: tuple[int, int], t: Tensor, text: Tensor, mask: Tensor
) -> Tensor:
    """The velocity of the target's tokens. `w` has the published names."""
    head_dim = len(w["double_blocks.0.img_attn.norm.query_norm.scale"])
    heads = w["img_in.weight"].shape[0] // head_dim
    place = 0 if "connector.scale_factor" in w else 1
    cells = [[image, row, column] for image in (0, place) for row in range(grid[0]) for column in range(grid[1])]
    angle = angles(torch.tensor([[0, 0, 0]] * text.shape[1] + cells), head_dim)

    txt, pooled = connector(w, text, t, mask, head_dim)
    vec = two_layers(w, "time_in.in_layer", "time_in.out_layer", wave(t))
    if "guidance_in.in_layer.weight" in w:
        vec = vec + two_layers(w, "guidance_in.in_layer", "guidance_in.out_layer", wave(torch.full_like(t, 4.0)))
    vec = F.silu(vec + two_layers(w, "vector_in.in_layer", "vector_in.out_layer", pooled))
    img = linear(w, "img_in", torch.cat([target, reference], 1))
    txt = linear(w, "txt_in", txt)

    def qkv(name: str, norm: str, fused: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = (heads_of(each, heads) for each in fused.chunk(3, -1))
        return rms(q, w[f"{norm}.query_norm.scale"]), rms(k, w[f"{norm}.key_norm.scale"]), v

    block = 0
    while f"double_blocks.{block}.img_mod.lin.weight" in w:
        b, streams, mods = f"double_blocks.{block}", {"txt": txt, "img": img}, {}
        triples = []
        for name, x in streams.items():
            mods[name] = linear(w, f"{b}.{name}_mod.lin", vec)[:, None].chunk(6, -1)
            shift, scale, *_ = mods[name]
            fused = linear(w, f"{b}.{name}_attn.qkv", normalise(x) * (1 + scale) + shift)
            triples.append(qkv(name, f"{b}.{name}_attn.norm", fused))
        q, k, v = (torch.cat(pair, dim=2) for pair in zip(*triples, strict=True))
        both = attend(rotate(q, angle), rotate(k, angle), v)
        heard = dict(zip(streams, both.split([txt.shape[1], img.shape[1]], 1), strict=True))
        for name, x in streams.items():
            _, _, gate, shift, scale, gate_mlp = mods[name]
            x = x + gate * linear(w, f"{b}.{name}_attn.proj", heard[name])
            h = F.gelu(linear(w, f"{b}.{name}_mlp.0", normalise(x) * (1 + scale) + shift), approximate="tanh")
            streams[name] = x + gate_mlp * linear(w, f"{b}.{name}_mlp.2", h)
        txt, img = streams["txt"], streams["img"]
        block += 1

    x, width, block = torch.cat([txt, img], 1), img.shape[-1], 0
    while f"single_blocks.{block}.linear1.weight" in w:
        b = f"single_blocks.{block}"
        shift, scale, gate = linear(w, f"{b}.modulation.lin", vec)[:, None].chunk(3, -1)
        h = linear(w, f"{b}.linear1", normalise(x) * (1 + scale) + shift)
        q, k, v = qkv(b, f"{b}.norm", h[..., : 3 * width])
        heard = attend(rotate(q, angle), rotate(k, angle), v)
        h = torch.cat([heard, F.gelu(h[..., 3 * width :], approximate="tanh")], -1)
        x = x + gate * linear(w, f"{b}.linear2", h)
        block += 1

    shift, scale = linear(w, "final_layer.adaLN_modulation.1", vec)[:, None].chunk(2, -1)
    out = linear(w, "final_layer.linear", normalise(x[:, txt.shape[1] :]) * (1 + scale) + shift)
    return out[:, : target.shape[1]]
