"""The filters that a recipe asks for, and which pictures each looks at."""

from __future__ import annotations

from functools import cached_property

from filters.looking import Looker, Patient, Spent, Timed
from schemas.recipe.filters import FiltersSection


class FilterSet:
    """Builds each filter once, so that source and degraded picture share its model.

    Raises RecipeError, when a filter is first asked for, if its package or model is missing.
    """

    def __init__(self, section: FiltersSection) -> None:
        self._section = section

    def check(self) -> None:
        """Builds what the recipe asks for without loading a model. Raises RecipeError when it cannot be used."""
        self._all()

    def load(self) -> None:
        """Loads every model. Raises RecipeError when one cannot be used."""
        for looker in self._all():
            looker.load()

    def _all(self) -> list[Timed]:
        own = [self._semantics, self._watermark, *self._recogniser, *self._metrics]
        return [*own, *self._degree, *self._suitability]

    def taken(self) -> dict[str, Spent]:
        """What each filter was shown since the last time, by label; those that were shown nothing are left out."""
        spent = {looker.label: looker.taken() for looker in self._all()}
        return {label: one for label, one in spent.items() if one.pictures}

    @property
    def batched(self) -> bool:
        """Whether a filter of degraded pictures is faster with several at once."""
        section = self._section
        return (
            section.semantics.provider != "statistics"
            or bool(section.recogniser.model)
            or (section.judge.provider != "none" and "degradation" in section.judge.questions)
        )

    @property
    def sources(self) -> int:
        """How many sources are best looked at together."""
        alone = self._section.watermark.provider != "owlv2" and self._section.judge.provider == "none"
        return 1 if alone and not self.batched else self._section.batch

    def of_source(self) -> list[Looker]:
        """For the clean target of a synthesis. What the statistics tell of it, `score_source` measures already."""
        semantics = [] if self._section.semantics.provider == "statistics" else [self._semantics]
        return [*semantics, self._watermark, *self._recogniser, *self._metrics, *self._suitability]

    def of_input(self) -> list[Looker]:
        """For the degraded picture of a synthesis."""
        return [self._semantics, *self._recogniser, *self._degree]

    def of_photograph(self) -> list[Looker]:
        """For a real degraded photograph, before its degradation is named."""
        return [self._semantics, self._watermark, *self._recogniser]

    def of_named_photograph(self) -> list[Looker]:
        """For a real degraded photograph whose degradation is named."""
        return [*self._degree, *self._suitability]

    def of_reference(self) -> list[Looker]:
        """For the clean reference of a real photograph."""
        return [self._semantics, *self._metrics, *self._degree]

    @cached_property
    def _semantics(self) -> Timed:
        from filters.semantics.select import build_semantics

        section = self._section
        built = build_semantics(section.semantics, section.quality, section.device, section.batch)
        return Timed(Patient(built, section.batch))

    @cached_property
    def _watermark(self) -> Timed:
        from filters.watermark.select import build_watermark

        section = self._section
        built = build_watermark(section.watermark, section.device, section.batch)
        return Timed(Patient(built, section.batch))

    @cached_property
    def _recogniser(self) -> list[Timed]:
        section = self._section
        if not section.recogniser.model:
            return []
        from filters.recogniser.model import RecogniserFilter

        return [Timed(Patient(RecogniserFilter(section.recogniser.model, section.device), section.batch))]

    @cached_property
    def _metrics(self) -> list[Timed]:
        section = self._section
        if not section.quality.pyiqa:
            return []
        from filters.quality.pyiqa_metrics import PyiqaMetrics

        return [Timed(Patient(PyiqaMetrics(section.quality.pyiqa, section.device), section.batch))]

    @cached_property
    def _degree(self) -> list[Timed]:
        return self._judge("degradation")

    @cached_property
    def _suitability(self) -> list[Timed]:
        return self._judge("suitability")

    def _judge(self, question: str) -> list[Timed]:
        section = self._section.judge
        if section.provider == "none" or question not in section.questions:
            return []
        from filters.judge.select import build_judge

        return [Timed(build_judge(section, question))]
