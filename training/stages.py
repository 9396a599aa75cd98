"""What a stage makes of its recipe section: which weights move, and how fast."""

from __future__ import annotations

import math

import torch
from torch import nn

from schemas.recipe.training import StageSection
from training.editors.base import Editor


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
    """Freezes the first ⌊share · n⌋ of the n single-stream blocks, thaws all else; the frozen blocks."""
    blocks = list(editor.single_blocks())
    frozen = blocks[: math.floor(share * len(blocks))]
    editor.requires_grad_(True)
    for block in frozen:
        block.requires_grad_(False)
    return frozen


def optimizer(editor: Editor, stage: StageSection) -> torch.optim.AdamW:
    """AdamW, β = (0.9, 0.95), ε = 1e-8 (RealRestorer 2026), over the weights that move, its state made at zero."""
    adam = torch.optim.AdamW(
        [parameter for parameter in editor.parameters() if parameter.requires_grad],
        lr=stage.learning_rate,
        betas=(0.9, 0.95),
        eps=1e-8,
        weight_decay=stage.weight_decay,
        foreach=True,
    )
    for group in adam.param_groups:
        for parameter in group["params"]:
            adam.state[parameter] = {
                "step": torch.tensor(0.0),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
    return adam
