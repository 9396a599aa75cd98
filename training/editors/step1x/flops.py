"""Floating point operations of Step1X-Edit's connector, counted from its structure as in `training.flops`."""

from __future__ import annotations

from training.editors.step1x.shape import Step1XShape

_SINUSOID = 256


def connector_flops(shape: Step1XShape, tokens: int) -> int:
    """Operations of one sample's forward pass with `tokens` text tokens.

    A refiner block has 12·r² weights a token (queries, keys, values and output 4, MLP 8), attention of 4·S²·r, and a
    modulation of 2·r² weights that acts once a sample, as do the embeddings of time and mean and the pooled vector.
    """
    r, text = shape.refiner_width, shape.text_width
    blocks = shape.refiner_blocks * (24 * r * r * tokens + 4 * r * tokens * tokens + 4 * r * r)
    once = 2 * (r * (_SINUSOID + r) + r * (text + r) + text * shape.pooled_width)
    return blocks + 2 * tokens * text * r + once
