"""What scores pictures, as recipe data."""

from schemas.recipe.filters.judge import JudgeSection
from schemas.recipe.filters.quality import QualitySection
from schemas.recipe.filters.recogniser import RecogniserSection
from schemas.recipe.filters.section import FiltersSection
from schemas.recipe.filters.semantics import PROMPTS, SemanticsSection
from schemas.recipe.filters.watermark import WatermarkSection

__all__ = [
    "PROMPTS",
    "FiltersSection",
    "JudgeSection",
    "QualitySection",
    "RecogniserSection",
    "SemanticsSection",
    "WatermarkSection",
]
