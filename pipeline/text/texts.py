"""All texts about a sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from degradations.rng import generator
from pipeline.text.comparison import against_clean, between_variants, milder
from pipeline.text.description import description
from pipeline.text.fact import Fact
from pipeline.text.facts import facts_of, recognised_facts
from pipeline.text.identification import identification
from pipeline.text.interleaved import as_text, interleaved
from pipeline.text.languages import LANGUAGES
from pipeline.text.writer import Writer
from schemas.curriculum import Curriculum
from schemas.recipe.text import TextSection
from schemas.tasks import TASKS
from schemas.text import TextKind, TextLanguage, TextRow
from schemas.trace import Trace


def texts_of(trace: Trace, task: str, curriculum: Curriculum, section: TextSection) -> list[TextRow]:
    """One text of each kind and language of `section` about a sample; none for a trace without steps.

    The wording is drawn by a generator keyed by sample key, kind and language alone, so no text depends on which others
    are made, nor on the order.
    """
    return _rows(trace.sample_key, facts_of(trace), task, curriculum, section)


def texts_of_recognised(
    sample_key: str, recognised: Sequence[tuple[str, float | None]], task: str, section: TextSection
) -> list[TextRow]:
    """The same texts about a real photograph, from the degradations recognised in it, each with its severity in [0, 1]
    or None. Raises ValueError for a degradation without a generic name."""
    curriculum: Curriculum = "multiple" if len(recognised) > 1 else "single"
    return _rows(sample_key, recognised_facts(recognised), task, curriculum, section)


def comparisons_of(first: Trace, second: Trace, section: TextSection) -> list[TextRow]:
    """In each language, which of two variants of one source is better; none where the traces do not tell.

    The rows belong to the first sample.
    """
    if not section.enabled or "comparison" not in section.kinds or first.source_sha256 != second.source_sha256:
        return []
    facts = facts_of(first), facts_of(second)
    first_better = milder(*facts)
    if first_better is None:
        return []
    better, worse = (0, 1) if first_better else (1, 0)
    members = "lq", f"{second.sample_key}.lq"
    rows = []
    for language in section.languages:
        rng = generator(0, first.sample_key, second.sample_key, "comparison", language)
        writer = Writer(rng, LANGUAGES[language], facts[better])
        better_first, prompt, answer = between_variants(writer, language, facts[better], facts[worse])
        images = [members[better], members[worse]] if better_first else [members[worse], members[better]]
        rows.append(_row(first.sample_key, "comparison", language, images, prompt, answer))
    return rows


def _rows(sample_key: str, facts: list[Fact], task: str, curriculum: Curriculum, section: TextSection) -> list[TextRow]:
    if not section.enabled or not facts:
        return []
    rows = []
    for language in section.languages:
        for kind in section.kinds:
            writer = Writer(generator(0, sample_key, "text", kind, language), LANGUAGES[language], facts)
            images, prompt, answer = _MAKERS[kind](writer, language, task, curriculum)
            rows.append(_row(sample_key, kind, language, images, prompt, answer))
    return rows


def _row(
    sample_key: str, kind: TextKind, language: TextLanguage, images: list[str], prompt: str, answer: str
) -> TextRow:
    return TextRow(sample_key=sample_key, kind=kind, language=language, images=images, prompt=prompt, answer=answer)


_Text = tuple[list[str], str, str]


def _interleaved(writer: Writer, language: TextLanguage, task: str, curriculum: Curriculum) -> _Text:
    parts = interleaved(writer, task, curriculum)
    return ["lq"], getattr(TASKS[task], language), as_text(parts, writer.phrases)


def _identification(writer: Writer, language: TextLanguage, task: str, curriculum: Curriculum) -> _Text:
    return ["lq"], *identification(writer, language)


def _description(writer: Writer, language: TextLanguage, task: str, curriculum: Curriculum) -> _Text:
    return ["lq"], *description(writer, language)


def _comparison(writer: Writer, language: TextLanguage, task: str, curriculum: Curriculum) -> _Text:
    clean_first, prompt, answer = against_clean(writer, language)
    return ["gt", "lq"] if clean_first else ["lq", "gt"], prompt, answer


_MAKERS: dict[TextKind, Callable[[Writer, TextLanguage, str, Curriculum], _Text]] = {
    "interleaved": _interleaved,
    "identification": _identification,
    "description": _description,
    "comparison": _comparison,
}
