"""UARE's interleaved text (2025): user intent, current quality analysis, enhancement plan, expected result."""

from __future__ import annotations

from pipeline.text.fact import families_of, family_of, kinds_of
from pipeline.text.phrases import Phrases
from pipeline.text.writer import Writer, filled
from schemas.curriculum import Curriculum
from schemas.text import Interleaved

#: From so many facts on, how each one looks is left out.
_MANY = 3


def interleaved(writer: Writer, task: str, curriculum: Curriculum) -> Interleaved:
    """The four parts on the facts of `writer`, of which there is at least one.

    task, curriculum: of the sample; an intent that names a distortion names only one that is there. The plan undoes the
    distortions in the reverse order of their making.
    """
    return Interleaved(
        intent=_intent(writer, task, curriculum),
        analysis=_analysis(writer),
        plan=_plan(writer),
        result=filled(writer.pattern("result"), outcomes=writer.outcomes()),
    )


def as_text(parts: Interleaved, phrases: Phrases) -> str:
    """The four parts under their headings, a paragraph each."""
    texts = parts.intent, parts.analysis, parts.plan, parts.result
    return "\n".join(phrases.headed(heading, text) for heading, text in zip(phrases.headings, texts, strict=True))


def _intent(writer: Writer, task: str, curriculum: Curriculum) -> str:
    families = families_of(writer.facts)
    named = task if task in families else families[0] if len(families) == 1 else ""
    if named and (len(families) == 1 or task != "mixed"):
        return filled(writer.pattern("intent"), want=writer.pick(writer.phrases.families[named].wants))
    if curriculum == "high_order":
        return writer.pattern("intent_high_order")
    return writer.pattern("intent_mixed" if len(families) > 1 else "intent_plain")


def _analysis(writer: Writer) -> str:
    facts = writer.facts
    sentences = [writer.overview()] if len(facts) > 1 and writer.chance(0.5) else []
    for number, fact in enumerate(facts):
        sentences.append(writer.statement(fact, first=number == 0))
        if len(facts) < _MANY:
            sentences += writer.look(fact, effects=False)
    return writer.phrases.finished(sentences)


def _plan(writer: Writer) -> str:
    kinds = list(reversed(kinds_of(writer.facts)))
    cures = [
        filled(writer.pick(writer.phrases.families[family_of(kind)].cures), what=writer.short_noun(kind))
        for kind in kinds
    ]
    if len(cures) == 1:
        sentences = [filled(writer.pattern("plan_one"), cure=cures[0])]
    else:
        order = ["first", *["next"] * (len(cures) - 2), "last"]
        sentences = [filled(writer.pattern(step), cure=cure) for step, cure in zip(order, cures, strict=True)]
        if writer.chance(0.4):
            sentences.insert(0, writer.pattern("plan_intro"))
    if writer.chance(0.5):
        sentences.append(writer.pattern("care"))
    return writer.phrases.finished(sentences)
