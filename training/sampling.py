"""From degraded pictures to restored ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from training import flow
from training.editors.base import Condition, Editor, Request
from training.families.timesteps import sampling_sigmas


@torch.no_grad()
def sample(
    editor: Editor,
    degraded: Tensor,
    requests: Sequence[Request],
    noise: Tensor,
    steps: int,
    guidance: float = 1.0,
    report: Callable[[int], None] | None = None,
) -> Tensor:
    """The restored pixels (B, 3, H, W) in [0, 1], rounded to 8 bits, float32 on the CPU, of degraded ones.

    noise: standard normal (B, *editor.latent_shape(H, W)); the `noise_free` form does not read it. steps: of Euler's
    method along the family's schedule. guidance: scale of classifier-free guidance against the empty prompt with the
    picture kept, by the family's rule; 1 for none. report: called with the number of steps taken, after each.
    """
    device, dtype = editor.device, next(editor.parameters()).dtype
    start = editor.encode(degraded.to(device)).mean.float()
    wanted = _cast(editor.collate(editor.encode_requests(requests)), dtype)
    unwanted = None
    if guidance != 1.0:
        empty = [request._replace(prompt="") for request in requests]
        unwanted = _cast(editor.collate(editor.encode_requests(empty)), dtype)
    in_context = editor.config.objective.form == "noise"
    reference = start.to(dtype) if in_context else None

    def velocity(state: Tensor, time: float) -> Tensor:
        times = torch.full((len(state),), time, device=device)
        inputs = state.to(dtype), times, reference
        predicted = editor(*inputs, wanted).float()
        if unwanted is None:
            return predicted
        return editor.guide(predicted, editor(*inputs, unwanted).float(), guidance, time)

    if in_context:
        height, width = degraded.shape[2:]
        knots = sampling_sigmas(editor.timesteps, editor.target_tokens(height, width), steps).tolist()
        latents = flow.walk(velocity, noise.to(device), knots, report)
    else:
        latents = flow.walk(velocity, start, torch.linspace(0.0, 1.0, steps + 1).tolist(), report)
    return (editor.decode(latents).float().cpu().clamp(0.0, 1.0) * 255.0).round() / 255.0


def _cast(condition: Condition, dtype: torch.dtype) -> Condition:
    return {name: each.to(dtype) if each.is_floating_point() else each for name, each in condition.items()}
