"""The objective: two straight paths to the clean image, and how to walk them.

All images are float tensors (B, C, H, W) in the editor's latent scale; times and σ are (B,), in [0, 1].

`noise` (Step1X-Edit, RealRestorer 2026): x_σ = (1 − σ)·clean + σ·ε, velocity dx/dσ = ε − clean, walked from σ = 1 to 0
with the degraded image in context. `noise_free` (RAR, CVPR 2026): z_t = (1 − t)·degraded + t·clean, velocity
dz/dt = clean − degraded, walked from t = 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from degradations.rng import generator
from schemas.recipe.training import ObjectiveSection


class Point(NamedTuple):
    """A point on the path of each sample: the state, its time, the reference in context (None without one) and the
    velocity there, which the editor shall predict."""

    state: Tensor
    time: Tensor
    reference: Tensor | None
    velocity: Tensor


def shift(sigma: Tensor, by: float) -> Tensor:
    """s·σ / (1 + (s − 1)·σ): moves times towards 1 for s > 1 (Esser et al. 2024)."""
    return by * sigma / (1.0 + (by - 1.0) * sigma)


def noise_times(normal: Tensor, by: float) -> Tensor:
    """σ of standard normal draws: shift(sigmoid(n))."""
    return shift(torch.sigmoid(normal), by)


def start_heavy_times(uniform: Tensor, start_share: float) -> Tensor:
    """t of uniform draws in [0, 1): 0 for the given share of them, uniform in [0, 1) for the rest."""
    if start_share >= 1.0:
        return torch.zeros_like(uniform)
    return ((uniform - start_share) / (1.0 - start_share)).clamp_min(0.0)


def noise_point(clean: Tensor, reference: Tensor, noise: Tensor, sigma: Tensor) -> Point:
    """The point at σ between the clean image (σ = 0) and noise (σ = 1), the reference in context."""
    level = sigma[:, None, None, None]
    return Point((1.0 - level) * clean + level * noise, sigma, reference, noise - clean)


def noise_free_point(clean: Tensor, degraded: Tensor, time: Tensor) -> Point:
    """The point at t between the degraded image (t = 0) and the clean one (t = 1)."""
    level = time[:, None, None, None]
    return Point((1.0 - level) * degraded + level * clean, time, None, clean - degraded)


def draw_point(
    clean: Tensor,
    degraded: Tensor,
    objective: ObjectiveSection,
    shift_by: float,
    key: str,
    places: Sequence[int],
) -> Point:
    """A random point on the path of each sample. Time and noise of a sample are keyed by `key` and its place alone.

    shift_by: of the times of the `noise` form, which has `degraded` in context.
    """
    rngs = [generator(0, key, "flow", place) for place in places]
    if objective.form == "noise_free":
        uniform = torch.tensor([rng.random() for rng in rngs], dtype=torch.float32)
        return noise_free_point(clean, degraded, start_heavy_times(uniform, objective.start_share).to(clean.device))
    normal = torch.tensor([rng.standard_normal() for rng in rngs], dtype=torch.float32)
    noise = torch.from_numpy(np.stack([rng.standard_normal(clean.shape[1:], dtype=np.float32) for rng in rngs]))
    return noise_point(clean, degraded, noise.to(clean.device), noise_times(normal, shift_by).to(clean.device))


#: Mean squared error at which `logarithmic` stops amplifying: 5 of 255 levels in the scale [−1, 1].
LEAST_ERROR = (10.0 / 255.0) ** 2


def sample_losses(predicted: Tensor, velocity: Tensor, logarithmic: bool) -> Tensor:
    """Mean squared error e of each sample (B,); with `logarithmic`, ln(1 + e / LEAST_ERROR).

    The logarithm weighs a halved error alike in a faint degradation and in a strong one, as PSNR does (Chen et al.
    2022, NAFNet, train on PSNR itself); the constant keeps crops that are nearly right from ruling the batch.
    """
    error = (predicted - velocity).square().mean(dim=(1, 2, 3))
    return torch.log1p(error / LEAST_ERROR) if logarithmic else error


Velocity = Callable[[Tensor, float], Tensor]


def walk(velocity: Velocity, state: Tensor, knots: Sequence[float], report: Callable[[int], None] | None) -> Tensor:
    """Where Euler steps of velocity(state, time) lead from `state` (B, C, h, w) at the first knot to the last one.

    report: called with the number of steps taken, after each.
    """
    for number, (here, there) in enumerate(pairwise(knots), start=1):
        state = state + (there - here) * velocity(state, here)
        if report is not None:
            report(number)
    return state
