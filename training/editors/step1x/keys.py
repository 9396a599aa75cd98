"""The names of Step1X-Edit's weights: the published layout and ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

from training.editors.base import Rows
from training.editors.step1x.shape import Step1XShape
from training.editors.weight_files import Shapes


class Entry(NamedTuple):
    """A tensor of the published layout: the rows of `own`, one tensor below the other.

    swapped: then its two halves exchange places (shift before scale there, after it in diffusers).
    """

    own: tuple[str, ...]
    swapped: bool = False

    def join(self, weights: Mapping[str, Tensor], under: str = "") -> Tensor:
        """The published tensor, made of ours. under: what stands before our names in `weights`."""
        whole = torch.cat([weights[under + name] for name in self.own])
        return _swap(whole) if self.swapped else whole

    def readers(self, published: Rows, shapes: Shapes) -> dict[str, Rows]:
        """Readers of ours by name. published: of the published tensor. shapes: of ours."""
        if self.swapped:
            published = partial(_swapped_rows, published, self.shape(shapes)[0] // 2)
        firsts = accumulate((shapes[name][0] for name in self.own), initial=0)
        return {name: partial(_later_rows, published, first) for name, first in zip(self.own, firsts, strict=False)}

    def shape(self, shapes: Shapes) -> tuple[int, ...]:
        """The published tensor's shape. shapes: of ours."""
        return (sum(shapes[name][0] for name in self.own), *shapes[self.own[0]][1:])


def _swap(whole: Tensor) -> Tensor:
    return torch.cat(whole.chunk(2)[::-1])


def _swapped_rows(read: Rows, half: int, start: int, stop: int) -> Tensor:
    first = read(half + min(start, half), half + min(stop, half))
    second = read(max(start, half) - half, max(stop, half) - half)
    return torch.cat([first, second])


def _later_rows(read: Rows, first: int, start: int, stop: int) -> Tensor:
    return read(first + start, first + stop)


# Modules with a weight and a bias.
_WHOLE = {
    "img_in": "transformer.x_embedder",
    "txt_in": "transformer.context_embedder",
    "time_in.in_layer": "transformer.time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "transformer.time_text_embed.timestep_embedder.linear_2",
    "vector_in.in_layer": "transformer.time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "transformer.time_text_embed.text_embedder.linear_2",
    "final_layer.linear": "transformer.proj_out",
    "connector.global_proj_out": "connector.global_proj_out",
    "connector.S.input_embedder": "connector.refiner.proj_in",
    "connector.S.t_embedder.mlp.0": "connector.refiner.time_text_embed.timestep_embedder.linear_1",
    "connector.S.t_embedder.mlp.2": "connector.refiner.time_text_embed.timestep_embedder.linear_2",
    "connector.S.c_embedder.linear_1": "connector.refiner.time_text_embed.text_embedder.linear_1",
    "connector.S.c_embedder.linear_2": "connector.refiner.time_text_embed.text_embedder.linear_2",
}
_GUIDANCE = {
    "guidance_in.in_layer": "transformer.time_text_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "transformer.time_text_embed.guidance_embedder.linear_2",
}
_DOUBLE = {
    "img_mod.lin": ("norm1.linear",),
    "txt_mod.lin": ("norm1_context.linear",),
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "img_attn.proj": ("attn.to_out.0",),
    "txt_attn.proj": ("attn.to_add_out",),
    "img_mlp.0": ("ff.net.0.proj",),
    "img_mlp.2": ("ff.net.2",),
    "txt_mlp.0": ("ff_context.net.0.proj",),
    "txt_mlp.2": ("ff_context.net.2",),
}
_SINGLE = {
    "modulation.lin": ("norm.linear",),
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
    "linear2": ("proj_out",),
}
_REFINER = {
    "norm1": ("norm1",),
    "norm2": ("norm2",),
    "self_attn_qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "self_attn_proj": ("attn.to_out.0",),
    "mlp.fc1": ("ff.net.0.proj",),
    "mlp.fc2": ("ff.net.2",),
    "adaLN_modulation.1": ("norm_out.linear",),
}
# Root-mean-square norms of queries and keys: one vector each.
_DOUBLE_NORMS = {
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
}
_SINGLE_NORMS = {"norm.query_norm": "attn.norm_q", "norm.key_norm": "attn.norm_k"}

# How many blocks, their place there and here, their layers and norms.
_Stack = tuple[int, str, str, dict[str, tuple[str, ...]], dict[str, str]]


def official_entries(shape: Step1XShape) -> dict[str, Entry]:
    """Every name of the published layout (Black Forest Labs', 2024, with `connector.`) and what it is of ours."""
    return dict(_entries(shape))


def _entries(shape: Step1XShape) -> Iterator[tuple[str, Entry]]:
    for official, own in {**_WHOLE, **(_GUIDANCE if shape.guidance else {})}.items():
        yield from _layer(official, (own,))
    yield from _layer("final_layer.adaLN_modulation.1", ("transformer.norm_out.linear",), swapped=True)
    if shape.version == "v1.0":
        yield "connector.scale_factor", Entry(("connector.scale_factor",))
    if shape.mask_token:
        yield "mask_token", Entry(("connector.mask_token",))
    stacks: tuple[_Stack, ...] = (
        (shape.double_blocks, "double_blocks", "transformer.transformer_blocks", _DOUBLE, _DOUBLE_NORMS),
        (shape.single_blocks, "single_blocks", "transformer.single_transformer_blocks", _SINGLE, _SINGLE_NORMS),
        (
            shape.refiner_blocks,
            "connector.S.individual_token_refiner.blocks",
            "connector.refiner.token_refiner.refiner_blocks",
            _REFINER,
            {},
        ),
    )
    for count, there, here, layers, norms in stacks:
        for block in range(count):
            for official, names in layers.items():
                yield from _layer(f"{there}.{block}.{official}", tuple(f"{here}.{block}.{name}" for name in names))
            for official, name in norms.items():
                yield f"{there}.{block}.{official}.scale", Entry((f"{here}.{block}.{name}.weight",))


def _layer(official: str, own: tuple[str, ...], swapped: bool = False) -> Iterator[tuple[str, Entry]]:
    for leaf in ("weight", "bias"):
        yield f"{official}.{leaf}", Entry(tuple(f"{name}.{leaf}" for name in own), swapped)
