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
    encode: Callable[[Sequence[Request]], Sequence[Condition]] | None = None,
) -> Tensor:
    """The restored pixels (B, 3, H, W) in [0, 1], rounded to 8 bits, float32 on the CPU, of degraded ones.

    noise: standard normal (B, *editor.latent_shape(H, W)); the `noise_free` form does not read it. steps: of Euler's
    method along the family's schedule. guidance: scale of classifier-free guidance against the empty prompt with the
    picture kept, by the family's rule; 1 for none. report: called with the number of steps taken, after each.
    encode: makes the conditions of requests; the editor's own where it is None.
    """
    device = editor.device
    start = editor.encode(degraded.to(device)).mean.float()
    conditions = editor.encode_requests if encode is None else encode
    wanted = editor.collate(conditions(requests))
    unwanted = None
    if guidance != 1.0:
        unwanted = editor.collate(conditions([request._replace(prompt="") for request in requests]))
    in_context = editor.config.objective.form == "noise"
    reference = start if in_context else None

    def velocity(state: Tensor, time: float) -> Tensor:
        sigma = time if in_context else 1.0 - time
        times = torch.full((len(state),), time, device=device)
        predicted = editor(state, times, reference, wanted).float()
        if unwanted is None:
            return predicted
        return editor.guide(predicted, editor(state, times, reference, unwanted).float(), guidance, sigma)

    if in_context:
        height, width = degraded.shape[2:]
        knots = sampling_sigmas(editor.timesteps, editor.target_tokens(height, width), steps).tolist()
        latents = flow.walk(velocity, noise.to(device), knots, report)
    else:
        latents = flow.walk(velocity, start, torch.linspace(0.0, 1.0, steps + 1).tolist(), report)
    return (editor.decode(latents).float().cpu().clamp(0.0, 1.0) * 255.0).round() / 255.0
