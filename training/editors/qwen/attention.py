"""Qwen-Image's joint attention, its rotations in real numbers where it is compiled."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from diffusers import QwenImageTransformer2DModel
from diffusers.models.attention_dispatch import dispatch_attention_fn
from torch import Tensor, nn

#: Cosine and sine of each token's rotation, float32 (tokens, head width / 2, 2).
Turns = Tensor


def rotate_in_reals(transformer: QwenImageTransformer2DModel) -> None:
    """Has the model compute the same, in place, from cosines and sines where it is compiled: torch.compile makes no
    code for the complex numbers with which diffusers turns queries and keys, so they would break up each block.
    """
    transformer.pos_embed = _RealTurns(transformer.pos_embed)
    for block in transformer.transformer_blocks:
        block.attn.set_processor(_JointAttention())


class _RealTurns(nn.Module):
    """diffusers' rotations of image and text tokens, complex (tokens, head width / 2), as cosines and sines."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *args: Any, **kwargs: Any) -> tuple[Turns, Turns]:
        image, text = self.inner(*args, **kwargs)
        return torch.view_as_real(image), torch.view_as_real(text)


class _JointAttention:
    """Attention of text and image tokens with each other, each stream with its own projections and norms.

    The arguments are those that diffusers' block passes to a processor.
    """

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        encoder_hidden_states_mask: Tensor | None = None,
        attention_mask: None = None,
        image_rotary_emb: tuple[Turns, Turns] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """What is added to image tokens (B, N, d) and to text tokens (B, T, d), of which the mask (B, T) is true for
        those that count.
        """
        assert image_rotary_emb is not None
        image, text = hidden_states, encoder_hidden_states
        of_image, of_text = image_rotary_emb
        width = attn.inner_dim // attn.heads
        query = torch.cat(
            [
                _turned(attn.norm_added_q(_heads(attn.add_q_proj(text), width)), of_text),
                _turned(attn.norm_q(_heads(attn.to_q(image), width)), of_image),
            ],
            dim=1,
        )
        key = torch.cat(
            [
                _turned(attn.norm_added_k(_heads(attn.add_k_proj(text), width)), of_text),
                _turned(attn.norm_k(_heads(attn.to_k(image), width)), of_image),
            ],
            dim=1,
        )
        value = _heads(torch.cat([attn.add_v_proj(text), attn.to_v(image)], dim=1), width)
        mask = encoder_hidden_states_mask
        if mask is not None:
            mask = F.pad(mask, (0, image.shape[1]), value=True)[:, None, None]
        mixed = dispatch_attention_fn(query, key, value, attn_mask=mask).flatten(2)
        to_text, to_image = mixed.split([text.shape[1], image.shape[1]], dim=1)
        return attn.to_out[0](to_image), attn.to_add_out(to_text)


def _heads(tokens: Tensor, width: int) -> Tensor:
    """(B, N, d) → (B, N, heads, width)."""
    return tokens.unflatten(2, (-1, width))


def _turned(heads: Tensor, turns: Turns) -> Tensor:
    """Neighbouring channels of each head (B, N, heads, width) turned as pairs, computed in fp32.

    Uncompiled, one complex product is several times faster than what it stands for.
    """
    pairs = heads.float().unflatten(3, (-1, 2))
    if torch.compiler.is_compiling():
        (first, second), (cosine, sine) = pairs.unbind(4), turns[:, None].unbind(3)
        turned = torch.stack([first * cosine - second * sine, first * sine + second * cosine], dim=4)
    else:
        turned = torch.view_as_real(torch.view_as_complex(pairs) * torch.view_as_complex(turns)[:, None])
    return turned.flatten(3).to(heads.dtype)
