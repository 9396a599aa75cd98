"""Classifier-free guidance (Ho and Salimans 2022) as each family applies it, on velocities of tokens (B, N, C).

`scale` 1 is the conditional velocity, but for Step1X's rule at its noisy end.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: RealRestorer (2026): above this σ a token's guidance is divided by its norm to this power.
NOISY, POWER = 0.93, 0.4


def guide(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """unconditional + scale · (conditional − unconditional): FLUX.1 Kontext's true guidance."""
    return unconditional + scale * (conditional - unconditional)


def guide_step1x(
    conditional: Tensor, unconditional: Tensor, scale: float, sigma: float, noisy: float = NOISY
) -> Tensor:
    """`guide`, but for σ > `noisy` the difference of each token is divided by ‖difference‖^0.4 where that exceeds 1.

    The norm is a token's, over its channels. Step1X-Edit's own sampler (2025) has `noisy` 1, so never divides.
    """
    difference = conditional - unconditional
    if sigma > noisy:
        difference = difference / difference.norm(dim=2, keepdim=True).clamp_min(1.0) ** POWER
    return unconditional + scale * difference


def guide_qwen(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """`guide`, each token then brought to the norm of its conditional velocity (Qwen-Image, 2025).

    A token whose guided velocity is zero stays zero.
    """
    guided = guide(conditional, unconditional, scale)
    norm = guided.norm(dim=2, keepdim=True).clamp_min(torch.finfo(guided.dtype).tiny)
    return guided * (conditional.norm(dim=2, keepdim=True) / norm)
