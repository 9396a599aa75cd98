"""The fine-tune: editor, objective, data and stages.

The defaults are RealRestorer's (2026) two stages: transfer on synthetic pairs, then supervised fine-tuning on a 2:8 mix
of synthetic and real ones.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.recipe.section import Fraction, Section, Weight
from schemas.tasks import TASKS


class TinySection(Section):
    """A small flow transformer on pixels, trained from nothing.

    heads, head_dim: attention heads and their width; the transformer's width is their product.
    double_blocks, single_blocks: Flux blocks with separate and with shared streams for text and image.
    features: channels of the convolutional stem and tail at half resolution.
    words: rows of the table of hashed word embeddings.
    """

    kind: Literal["tiny"] = "tiny"
    heads: int = Field(default=4, ge=1)
    head_dim: int = Field(default=32, ge=32, multiple_of=32)
    double_blocks: int = Field(default=2, ge=1)
    single_blocks: int = Field(default=4, ge=1)
    features: int = Field(default=32, ge=4, multiple_of=4)
    words: int = Field(default=512, ge=16)


class ObjectiveSection(Section):
    """What the editor learns to predict.

    form: `noise` (noise → clean image, the degraded one in context; Step1X-Edit) or `noise_free` (degraded → clean;
    RAR).
    shift: timestep shift of `noise`; Step1X-Edit's value, e^1.15.
    start_share: share of the samples of `noise_free` trained at t = 0, where one sampling step starts; the others
    have t uniform in [0, 1).
    logarithmic: train on the logarithm of each sample's squared error, so that a faint degradation weighs as much as a
    strong one.
    """

    form: Literal["noise", "noise_free"] = "noise"
    shift: float = Field(default=3.1582, gt=0.0)
    start_share: Fraction = 0.0
    logarithmic: bool = False


class StageSection(Section):
    """One stage.

    weights: relative share of each named set of `training.datasets`.
    tasks: relative share of each task within a set; empty means equal shares of the tasks that the set holds.
    batch_size: samples a step over all processes.
    warmup_steps: the learning rate rises linearly from 0 over these steps; a cosine then falls to 0 at the last step.
    frozen_single_blocks: this share of the single-stream blocks, counted from the first and rounded down, keeps its
    weights (a quarter of 38 blocks freezes 9).
    clip: largest global norm of the gradient. ema: decay of the weights' moving average.
    """

    steps: int = Field(default=500, ge=1)
    batch_size: int = Field(default=16, ge=1)
    weights: dict[str, Weight] = Field(default={"synthetic": 1.0})
    tasks: dict[str, Weight] = Field(default={})
    learning_rate: float = Field(default=1e-5, gt=0.0)
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = Field(default=100, ge=0)
    weight_decay: float = Field(default=0.0, ge=0.0)
    frozen_single_blocks: Fraction = 0.0
    clip: float = Field(default=1.0, gt=0.0)
    ema: Fraction = 0.99

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not sum(self.weights.values()) > 0:
            raise ValueError("weights: no set has a weight above 0; name one, for instance {synthetic: 1}")
        for task in self.tasks:
            if task not in TASKS:
                raise ValueError(f"tasks: unknown task {task!r}; known: {', '.join(TASKS)}")
        if self.tasks and not sum(self.tasks.values()) > 0:
            raise ValueError("tasks: no task has a weight above 0; leave tasks out for equal shares")
        return self


class ValidationSection(Section):
    """Fixed crops of the validation split, restored with the moving average of the weights.

    every: steps between validations; each one writes a checkpoint, and every stage ends with one.
    samples: crops a degradation. steps: sampler steps.
    """

    every: int = Field(default=100, ge=1)
    samples: int = Field(default=8, ge=1)
    steps: int = Field(default=28, ge=1)


FINETUNE = StageSection(
    steps=1500,
    batch_size=32,
    weights={"synthetic": 2.0, "real": 8.0},
    schedule="cosine",
    weight_decay=0.01,
    frozen_single_blocks=0.25,
)


class TrainingSection(Section):
    """The editor and its stages.

    datasets: folders of the sets that stages mix, by name.
    crop: side of the square training crops and of the tiles at restoration, in pixels.
    stages: in order; each starts from the best checkpoint of the one before.
    keep: newest checkpoints kept besides the best ones.
    cache_mb: decoded training images held in memory, in megabytes.
    """

    editor: TinySection = TinySection()
    objective: ObjectiveSection = ObjectiveSection()
    datasets: dict[str, tuple[str, ...]] = Field(default={})
    crop: int = Field(default=96, ge=16, multiple_of=8)
    stages: dict[str, StageSection] = Field(default={"transfer": StageSection(), "finetune": FINETUNE})
    validation: ValidationSection = ValidationSection()
    keep: int = Field(default=2, ge=1)
    cache_mb: int = Field(default=512, ge=0)

    @model_validator(mode="after")
    def _has_a_stage(self) -> Self:
        if not self.stages:
            raise ValueError("stages: there is none; leave the field out for transfer and finetune")
        return self
