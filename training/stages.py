"""What a stage makes of its recipe section: which weights move, and how fast."""

from __future__ import annotations

import math

import torch
from torch import nn

from schemas.recipe.training import StageSection
from training.editors.base import Editor
from training.parallel import fused_options


def learning_rate(stage: StageSection, step: int) -> float:
    """The rate of optimizer step `step`, counted from 0.

    Warm-up: peak · (step + 1) / warmup_steps. Then the peak, or peak · (1 + cos(π·p)) / 2 with p from 0 after the
    warm-up to 1 at the last step.
    """
    if step < stage.warmup_steps:
        return stage.learning_rate * (step + 1) / stage.warmup_steps
    if stage.schedule == "constant":
        return stage.learning_rate
    progress = (step - stage.warmup_steps + 1) / max(stage.steps - stage.warmup_steps, 1)
    return stage.learning_rate * (1.0 + math.cos(math.pi * min(progress, 1.0))) / 2.0


def freeze(editor: Editor, share: float) -> list[nn.Module]:
    """Freezes the first ⌊share · n⌋ of the n single-stream blocks, beside what is frozen already; those blocks."""
    blocks = list(editor.single_blocks())
    frozen = blocks[: math.floor(share * len(blocks))]
    for block in frozen:
        block.requires_grad_(False)
    return frozen


def optimizer(editor: Editor, stage: StageSection) -> torch.optim.AdamW:
    """AdamW over the weights that move, its state made at zero, fused where the device has it."""
    moving = [parameter for parameter in editor.parameters() if parameter.requires_grad]
    adam = torch.optim.AdamW(
        moving,
        lr=stage.learning_rate,
        betas=stage.betas,
        eps=stage.epsilon,
        weight_decay=stage.weight_decay,
        **fused_options(moving[0].device),
    )
    for parameter in moving:
        adam.state[parameter] = {
            "step": torch.zeros((), dtype=torch.float32, device=parameter.device if adam.defaults["fused"] else "cpu"),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    return adam
