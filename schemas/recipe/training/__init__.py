"""The fine-tune: editor, objective, data, stages and how they run.

The defaults of the stages are RealRestorer's (2026): transfer on synthetic pairs, then supervised fine-tuning on a 2:8
mix of synthetic and real ones.
"""

from schemas.recipe.training.checkpoints import CheckpointSection
from schemas.recipe.training.data import DataSection
from schemas.recipe.training.editor import (
    EditorSection,
    KontextSection,
    QwenSection,
    Step1XSection,
    TinySection,
)
from schemas.recipe.training.lora import LoraSection
from schemas.recipe.training.objective import ObjectiveSection
from schemas.recipe.training.parallel import ParallelSection
from schemas.recipe.training.stage import StageSection
from schemas.recipe.training.training import TrainingSection
from schemas.recipe.training.validation import ValidationSection

__all__ = [
    "CheckpointSection",
    "DataSection",
    "EditorSection",
    "KontextSection",
    "LoraSection",
    "ObjectiveSection",
    "ParallelSection",
    "QwenSection",
    "StageSection",
    "Step1XSection",
    "TinySection",
    "TrainingSection",
    "ValidationSection",
]
