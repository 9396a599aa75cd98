"""Noise levels of each family: how training draws them and how sampling walks from noise (σ = 1) to image (σ = 0).

Every family shifts σ by s·σ / (1 + (s − 1)·σ) (Esser et al. 2024), with s fixed or s = e^μ and μ a line in the number
of target tokens (Black Forest Labs, FLUX.1, 2024). On a logit-normal draw that moves the mean:
shift(sigmoid(n), e^μ) = sigmoid(n + μ).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from training import flow


class MuLine(NamedTuple):
    """μ as the line through (fewest, low) and (most, high), in target tokens; it goes on past both ends."""

    fewest: int
    low: float
    most: int
    high: float

    def mu(self, tokens: int) -> float:
        return self.low + (self.high - self.low) * (tokens - self.fewest) / (self.most - self.fewest)


class TimestepRule(NamedTuple):
    """A family's shifts; a number is s itself, a line gives s = e^μ.

    terminal: the σ of the last step before 0 to which sampling stretches its schedule (None: as it falls).
    """

    training: float | MuLine
    sampling: float | MuLine
    terminal: float | None = None


FLUX_MU = MuLine(256, 0.5, 4096, 1.15)
QWEN_MU = MuLine(256, 0.5, 8192, 0.9)

#: step1x: Step1X-Edit (2025) and RealRestorer (2026) sample along FLUX's line; 3.1582 = e^1.15, the line's value at
#:   1024×1024, is the training shift of Step1X's public fine-tuning code. RealRestorer published none.
#: kontext: FLUX.1 Kontext (2025), logit-normal with μ by resolution; its published scheduler has this line.
#: qwen-image-edit: Qwen-Image (2025), logit-normal; line and terminal are those of its published scheduler.
#: uare: UARE (2025) on BAGEL (2025), whose times are noise levels; the paper's own t is 1 − σ.
TIMESTEPS: dict[str, TimestepRule] = {
    "step1x": TimestepRule(training=3.1582, sampling=FLUX_MU),
    "kontext": TimestepRule(training=FLUX_MU, sampling=FLUX_MU),
    "qwen-image-edit": TimestepRule(training=QWEN_MU, sampling=QWEN_MU, terminal=0.02),
    "uare": TimestepRule(training=4.0, sampling=4.0),
}


def shift_for(by: float | MuLine, tokens: int) -> float:
    """The factor s for an image of `tokens` target tokens."""
    return math.exp(by.mu(tokens)) if isinstance(by, MuLine) else by


def training_sigmas(normal: Tensor, rule: TimestepRule, tokens: int) -> Tensor:
    """σ in [0, 1] of standard normal draws, of their shape, for images of `tokens` target tokens."""
    return flow.noise_times(normal, shift_for(rule.training, tokens))


def sampling_sigmas(rule: TimestepRule, tokens: int, steps: int) -> Tensor:
    """The knots of `steps` Euler steps: float64 (steps + 1,), falling from 1 to 0.

    With a terminal σ, 1 − σ of all knots but the last is scaled so that the last but one is at it (Lightricks,
    LTX-Video, 2024); a single step starts at 1 and has none to scale. Raises ValueError for steps < 1.
    """
    if steps < 1:
        raise ValueError(f"steps: {steps}; sampling needs at least 1")
    even = torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float64)
    knots = flow.shift(even, shift_for(rule.sampling, tokens))
    if rule.terminal is not None and steps > 1:
        gone = 1.0 - knots[:-1]
        knots = torch.cat([1.0 - gone * ((1.0 - rule.terminal) / gone[-1]), knots[-1:]])
    return knots
