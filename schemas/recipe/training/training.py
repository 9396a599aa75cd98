"""The whole of the fine-tune."""

from typing import Self

from pydantic import Field, model_validator

from schemas.recipe.section import Section
from schemas.recipe.training.checkpoints import CheckpointSection
from schemas.recipe.training.data import DataSection
from schemas.recipe.training.editor import EditorSection, TinySection
from schemas.recipe.training.lora import LoraSection
from schemas.recipe.training.objective import ObjectiveSection
from schemas.recipe.training.parallel import ParallelSection
from schemas.recipe.training.stage import FINETUNE, StageSection
from schemas.recipe.training.validation import ValidationSection


class TrainingSection(Section):
    """The editor and its stages.

    datasets: folders (or s3://, gs:// places) of the sets that stages mix, by name.
    crop: side of the square training images, in pixels (with buckets, of the square of like area), and of the tiles at
    restoration.
    stages: in order; each starts from the best checkpoint of the one before.
    """

    editor: EditorSection = TinySection()
    objective: ObjectiveSection = ObjectiveSection()
    datasets: dict[str, tuple[str, ...]] = Field(default={})
    crop: int = Field(default=96, ge=16, multiple_of=8)
    data: DataSection = DataSection()
    stages: dict[str, StageSection] = Field(default={"transfer": StageSection(), "finetune": FINETUNE})
    validation: ValidationSection = ValidationSection()
    checkpoints: CheckpointSection = CheckpointSection()
    parallel: ParallelSection = ParallelSection()
    lora: LoraSection = LoraSection()

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not self.stages:
            raise ValueError("stages: there is none; leave the field out for transfer and finetune")
        if self.editor.kind != "tiny" and self.crop % 16:
            raise ValueError(f"crop: {self.crop} is no multiple of 16, as the editor {self.editor.kind!r} needs")
        if self.editor.kind == "tiny" and self.lora.rank:
            raise ValueError(
                f"lora.rank: {self.lora.rank}, but the editor 'tiny' has no pretrained weights to adapt; set it to 0 "
                "or name a pretrained editor"
            )
        if self.objective.form == "noise_free" and self.data.drop_reference > 0:
            raise ValueError(
                f"data.drop_reference: {self.data.drop_reference}, but objective.form 'noise_free' starts from the "
                "degraded image and has none in context; set it to 0"
            )
        if self.parallel.offload and self.parallel.precision == "fp32":
            raise ValueError("parallel.offload: true, but precision 'fp32'; set parallel.precision: bf16")
        for name, stage in self.stages.items():
            if self.data.fit == "bucket" and stage.microbatch == 0:
                raise ValueError(
                    f"stages.{name}.microbatch: 0, but with data.fit 'bucket' pictures of one shape pass together; "
                    "set it, for instance to 1"
                )
        return self
