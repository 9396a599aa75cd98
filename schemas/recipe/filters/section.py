"""The filters of a run."""

from typing import Literal

from pydantic import Field

from schemas.recipe.filters.judge import JudgeSection
from schemas.recipe.filters.quality import QualitySection
from schemas.recipe.filters.recogniser import RecogniserSection
from schemas.recipe.filters.semantics import SemanticsSection
from schemas.recipe.filters.watermark import WatermarkSection
from schemas.recipe.section import Section


class FiltersSection(Section):
    """semantics, watermark, judge, quality, recogniser: what scores pictures beside the pair's own measures.
    device: where models run; `auto` takes a GPU if there is one.
    batch: pictures that a model is shown at once.
    """

    semantics: SemanticsSection = SemanticsSection()
    watermark: WatermarkSection = WatermarkSection()
    judge: JudgeSection = JudgeSection()
    quality: QualitySection = QualitySection()
    recogniser: RecogniserSection = RecogniserSection()
    device: Literal["auto", "cpu", "cuda"] = "auto"
    batch: int = Field(default=16, ge=1)
