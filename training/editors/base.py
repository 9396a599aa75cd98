"""What the trainer and the sampler know of an editor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from schemas.recipe.section import Section
from schemas.recipe.training import EditorSection, LoraSection, ObjectiveSection, TrainingSection
from training.families.timesteps import TimestepRule


class EditorConfig(Section):
    """All that building and using an editor needs besides its weights.

    crop, fit: side of the squares it was trained on, in pixels, and how they came to be. steps, guidance: of the
    sampler that its checkpoint was chosen with.
    blend: prompt → share in [0, 1] of the sampled change that is applied, as validation chose it; 1 for other prompts.
    """

    editor: EditorSection
    objective: ObjectiveSection
    crop: int
    fit: Literal["crop", "square", "bucket"] = "crop"
    steps: int
    guidance: float = 1.0
    blend: dict[str, float] = Field(default_factory=dict)
    lora: LoraSection = LoraSection()

    @classmethod
    def of(cls, training: TrainingSection) -> Self:
        """The configuration of the editor that a recipe trains."""
        return cls(
            editor=training.editor,
            objective=training.objective,
            crop=training.crop,
            fit=training.data.fit,
            steps=training.validation.steps,
            guidance=training.validation.guidance,
            lora=training.lora,
        )


#: An encoded condition: of one request without a batch axis, or of several joined by `Editor.collate`.
Condition = Mapping[str, Tensor]


class Request(NamedTuple):
    """One instruction: the prompt and the degraded picture that the text encoder may look at, uint8 (H, W, 3) in sRGB,
    of any size; None for an unconditional branch without it.
    """

    prompt: str
    picture: NDArray[np.uint8] | None


class Posterior(NamedTuple):
    """Latents (B, C, h, w) in the editor's scale as the encoder knows them: mean and standard deviation.

    deviation: None where the encoder gives one value.
    """

    mean: Tensor
    deviation: Tensor | None

    def sample(self, noise: Tensor) -> Tensor:
        """mean + deviation · noise; noise: standard normal, of the mean's shape."""
        return self.mean if self.deviation is None else self.mean + self.deviation * noise


#: Rows start … stop − 1 (axis 0) of one tensor of a checkpoint, read now, in the file's own precision.
Rows = Callable[[int, int], Tensor]


class Editor(nn.Module, ABC):
    """An image editor that predicts a velocity.

    Its parameters are the weights that training may change. Frozen encoders (autoencoder, text encoder) are none of
    them: not registered, so they are neither sharded nor saved with it. They load at first use, to the device of the
    parameters, and stay in evaluation mode without gradients.
    """

    #: Pixels that both sides of a picture must be a multiple of.
    multiple: int
    #: How σ is drawn in training and walked in sampling, for the `noise` form.
    timesteps: TimestepRule
    #: Whether a condition depends on the picture; else it is kept by its prompt alone.
    sees_picture: bool = True

    def __init__(self, config: EditorConfig) -> None:
        super().__init__()
        self.config = config
        #: Where the computing happens if not where the weights are kept (offloaded weights).
        self.compute_on: torch.device | None = None

    @property
    def device(self) -> torch.device:
        """Where it computes: pictures, conditions and latents belong there."""
        return self.compute_on or next(self.parameters()).device

    @property
    @abstractmethod
    def identity(self) -> str:
        """Names the frozen encoders by the digest of their weights, for caches of what they make."""

    @abstractmethod
    def encode_requests(self, requests: Sequence[Request]) -> list[Condition]:
        """What `forward` needs of each prompt and picture: tensors without a batch axis, as long as they need be.

        Each depends on its own request alone, to the bit where the device allows it, so it can be kept by key.
        """

    @abstractmethod
    def collate(self, conditions: Sequence[Condition]) -> Condition:
        """Conditions as one batch on the editor's device, padded as the family wants."""

    @abstractmethod
    def encode(self, pixels: Tensor) -> Posterior:
        """Latents of pixels (B, 3, H, W) in [0, 1]; H and W are multiples of `multiple`."""

    @abstractmethod
    def decode(self, latents: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) of latents; not clamped."""

    @abstractmethod
    def forward(self, state: Tensor, time: Tensor, reference: Tensor | None, condition: Condition) -> Tensor:
        """The velocity at latents `state` (B, C, h, w), of its shape, d state / d time.

        time: (B,) in [0, 1], σ for the `noise` form. reference: latents in context. condition: of `collate`.
        """

    @abstractmethod
    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        """(C, h, w) of the latents of a picture in pixels."""

    @abstractmethod
    def target_tokens(self, height: int, width: int) -> int:
        """Tokens of the target of a picture in pixels, on which the family's timestep shift may depend."""

    @abstractmethod
    def forward_flops(self, height: int, width: int) -> int:
        """Operations of the transformer's forward pass on one picture in pixels, counted from the structure."""

    @abstractmethod
    def blocks(self) -> Sequence[nn.Module]:
        """The transformer blocks in order: the units of sharding, recomputation and compilation."""

    @abstractmethod
    def single_blocks(self) -> Sequence[nn.Module]:
        """The single-stream blocks in order (for a family without them, all blocks): the units of freezing."""

    @abstractmethod
    def adapted(self) -> nn.Module:
        """The module whose layers low-rank adaptation changes."""

    def guide(self, conditional: Tensor, unconditional: Tensor, scale: float, sigma: float) -> Tensor:
        """Classifier-free guidance on velocities (B, C, h, w), as the family applies it."""
        return unconditional + scale * (conditional - unconditional)

    def base_weights(self) -> Mapping[str, Rows] | None:
        """Readers of the weights it starts from, one for each parameter by name; None where it starts from chance.

        Raises CheckpointError that lists what is missing, unexpected or of another shape.
        """
        return None

    @abstractmethod
    def save_weights(self, folder: Path, weights: Mapping[str, Tensor]) -> None:
        """Writes `weights`, one for each parameter by name, into an existing empty folder, so that `base_weights` of an
        editor whose section names the folder as its `transformer` reads them, and so does diffusers where it knows the
        architecture.
        """

    @abstractmethod
    def frozen(self) -> Mapping[str, nn.Module]:
        """The frozen encoders that are loaded so far, by name."""
