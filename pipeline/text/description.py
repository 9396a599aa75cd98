"""Questions on what the degradations do to a picture."""

from __future__ import annotations

from pipeline.text.questions import QUESTIONS
from pipeline.text.writer import Writer, filled
from schemas.text import TextLanguage


def description(writer: Writer, language: TextLanguage) -> tuple[str, str]:
    """A question and its answer: each distortion with its severity, its look, its place and its effect, and the overall
    quality where all severities are known."""
    sentences = []
    for number, fact in enumerate(writer.facts):
        sentences.append(writer.statement(fact, first=number == 0))
        if len(fact.kinds) > 1:
            sentences += [writer.symptom(kind) for kind in fact.kinds[-2:]] if fact.level != 1 else []
        sentences += writer.look(fact, effects=True)
    quality = _quality(writer)
    if quality:
        sentences.insert(0 if writer.chance(0.3) else len(sentences), quality)
    return writer.pick(QUESTIONS[language]["describe"]), writer.phrases.finished(sentences)


def _quality(writer: Writer) -> str:
    """The overall quality, which the worst of the distortions sets."""
    levels = [fact.level for fact in writer.facts if not fact.minor]
    if None in levels:
        return ""
    quality = writer.phrases.patterns["qualities"][max(level for level in levels if level is not None) - 1]
    return filled(writer.pattern("quality"), quality=quality)
