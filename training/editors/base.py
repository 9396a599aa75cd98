"""What the trainer and the sampler know of an editor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from schemas.recipe.section import Section
from schemas.recipe.training import ObjectiveSection, TinySection, TrainingSection


class EditorConfig(Section):
    """All that building and using an editor needs besides its weights.

    crop: side of the squares it was trained on, in pixels. steps: sampler steps its checkpoint was chosen with.
    blend: prompt → share in [0, 1] of the sampled change that is applied, as validation chose it; 1 for other prompts.
    """

    editor: TinySection
    objective: ObjectiveSection
    crop: int
    steps: int
    blend: dict[str, float] = Field(default_factory=dict)

    @classmethod
    def of(cls, training: TrainingSection) -> Self:
        """The configuration of the editor that a recipe trains."""
        return cls(
            editor=training.editor,
            objective=training.objective,
            crop=training.crop,
            steps=training.validation.steps,
        )


#: The encoded condition: tensors with the batch first, made without trained weights, so it can be cached by key.
Condition = Mapping[str, Tensor]


class Request(NamedTuple):
    """One instruction: the prompt and the whole degraded picture, uint8 (H, W, 3) in sRGB, of any size."""

    prompt: str
    picture: NDArray[np.uint8]


class Editor(nn.Module, ABC):
    """An image editor that predicts a velocity.

    All weights that training changes act inside `forward`; `encode_condition`, `encode` and `decode` have none.
    """

    def __init__(self, config: EditorConfig) -> None:
        super().__init__()
        self.config = config

    @abstractmethod
    def encode_condition(self, requests: Sequence[Request]) -> Condition:
        """What `forward` needs of prompts and pictures, on the CPU."""

    @abstractmethod
    def encode(self, pixels: Tensor) -> Tensor:
        """Latents of pixels (B, 3, H, W) in [0, 1]; H and W are multiples of 8."""

    @abstractmethod
    def decode(self, latents: Tensor) -> Tensor:
        """Pixels of latents; not clamped."""

    @abstractmethod
    def forward(self, state: Tensor, time: Tensor, reference: Tensor | None, condition: Condition) -> Tensor:
        """The velocity at latents `state`, of its shape. time: (B,) in [0, 1]. reference: latents in context."""

    @abstractmethod
    def blocks(self) -> Sequence[nn.Module]:
        """The transformer blocks in order: the units of sharding."""

    @abstractmethod
    def single_blocks(self) -> Sequence[nn.Module]:
        """The single-stream blocks in order: the units of freezing."""
