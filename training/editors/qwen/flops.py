"""Floating point operations of Qwen-Image's transformer, counted as `training.flops` counts Flux's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from training.families.packing import TokenCounts

#: Width of the sinusoid that embeds the time.
_SINUSOID = 256


class QwenShape(NamedTuple):
    """The widths that the count needs. channels: of a token, in and out. times: how many a sample's time embedding and
    image modulation are computed for: σ, and with `zero_cond_t` 0 for the reference too.
    """

    blocks: int
    width: int
    channels: int
    out_channels: int
    text_width: int
    times: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """The shape of a `QwenImageTransformer2DModel.config` (diffusers)."""
        return cls(
            blocks=config["num_layers"],
            width=config["num_attention_heads"] * config["attention_head_dim"],
            channels=config["in_channels"],
            out_channels=config["patch_size"] ** 2 * (config["out_channels"] or config["in_channels"]),
            text_width=config["joint_attention_dim"],
            times=2 if config["zero_cond_t"] else 1,
        )


def qwen_forward_flops(shape: QwenShape, tokens: TokenCounts) -> int:
    """Operations of one sample's forward pass.

    Every block has two streams, each with 12·d² weights a token (queries, keys, values and output 4, MLP 8), joint
    attention of 4·S²·d over all S tokens, and once a sample a modulation of 6·d² weights for either stream.
    """
    d, total = shape.width, tokens.total
    blocks = shape.blocks * (24 * d * d * total + 4 * d * total * total)
    modulation = 2 * d * d * (6 * shape.blocks * (shape.times + 1) + 2)
    embedded = 2 * d * shape.times * (_SINUSOID + d)
    ends = 2 * d * (tokens.image * (shape.channels + shape.out_channels) + tokens.text * shape.text_width)
    return blocks + modulation + embedded + ends
