"""From the gradients of a pass to the optimizer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule

from training.parallel.sharding import whole


def accumulating(editor: nn.Module, last: bool) -> None:
    """Call it before each accumulated pass; last: the optimizer follows this one.

    Every pass spreads its gradients, so that no process ever holds them whole; copies (hybrid shard) add theirs up in
    the last one.
    """
    if isinstance(editor, FSDPModule):
        editor.set_requires_all_reduce(last)
        editor.set_is_last_backward(last)


def gradient_norm(parameters: Sequence[Tensor], limit: float) -> float:
    """Scales the gradients to a global norm of at most `limit`; the norm before, over all processes, alike on each."""
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit, foreach=True)
    return float(whole(norm))


def fused_options(device: torch.device) -> dict[str, bool]:
    """How AdamW is told to run: in one kernel on a GPU, where the state's `step` must then lie on the device too."""
    return {"fused": True} if device.type == "cuda" else {"foreach": True}
