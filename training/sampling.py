"""From degraded squares to restored ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from training import flow
from training.editors.base import Editor, Request


@torch.no_grad()
def sample(editor: Editor, degraded: Tensor, requests: Sequence[Request], noise: Tensor, steps: int) -> Tensor:
    """The restored pixels (B, 3, S, S), rounded to 8 bits, in [0, 1], of degraded ones.

    noise: standard normal, of the latents' shape; the `noise_free` form does not read it.
    """
    condition = editor.encode_condition(requests)

    def velocity(state: Tensor, time: Tensor, reference: Tensor | None) -> Tensor:
        return editor(state, time, reference, condition)

    latents = flow.restore(velocity, editor.encode(degraded), noise, editor.config.objective, steps)
    return (editor.decode(latents).clamp(0.0, 1.0) * 255.0).round() / 255.0
