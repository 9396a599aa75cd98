"""Questions on which of two pictures is better, and why."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.text.fact import Fact, families_of, family_of
from pipeline.text.questions import QUESTIONS
from pipeline.text.writer import Writer, filled
from schemas.text import TextLanguage

#: Two variants are told apart from this difference of severity on.
APART = 0.15


def against_clean(writer: Writer, language: TextLanguage) -> tuple[bool, str, str]:
    """Whether the clean picture is the first of the two, and a question and its answer on clean and degraded."""
    clean_first = writer.chance(0.5)
    what = [writer.qualified(fact) for fact in writer.facts]
    questions = QUESTIONS[language]
    better, worse = _ordered(language, clean_first)
    worst = max(writer.facts, key=lambda fact: fact.severity or 0.0)
    effect = writer.effect(worst) if (worst.level or 0) > 3 and writer.chance(0.5) else ""
    answer = filled(
        writer.pick(questions["pair_effect" if effect else "pair"]),
        better=better,
        worse=worse,
        what=writer.phrases.joined(what),
    )
    if effect:
        answer = writer.phrases.finished([answer, effect])
    return clean_first, writer.pick(questions["better"]), answer


def milder(first: Sequence[Fact], second: Sequence[Fact]) -> bool | None:
    """Whether the first of two variants is the better one; None where the facts do not tell.

    They tell when both were degraded alike, no distortion is milder in the one and another in the other, and the
    severities of at least one lie more than .15 apart.
    """
    own = [[fact for fact in facts if not fact.minor] for facts in (first, second)]
    if not own[0] or [_alike(fact) for fact in own[0]] != [_alike(fact) for fact in own[1]]:
        return None
    differences = []
    for a, b in zip(*own, strict=True):
        if a.severity is None or b.severity is None:
            return None
        differences.append(b.severity - a.severity)
    if max(differences) > APART and min(differences) >= 0:
        return True
    return False if min(differences) < -APART and max(differences) <= 0 else None


def between_variants(
    writer: Writer, language: TextLanguage, milder_facts: Sequence[Fact], worse_facts: Sequence[Fact]
) -> tuple[bool, str, str]:
    """Whether the milder picture is the first of the two, a question and its answer on two variants of one source."""
    milder_first = writer.chance(0.5)
    questions = QUESTIONS[language]
    better, worse = _ordered(language, milder_first)
    names = [writer.phrases.families[family].name for family in families_of([f for f in milder_facts if not f.minor])]
    noun = writer.phrases.joined(names)
    fields = {"better": better, "worse": worse, "noun": noun}
    low, high = milder_facts[0], worse_facts[0]
    if len(names) == 1 and low.level != high.level:
        fields |= {"low": writer.predicate(low), "high": writer.predicate(high)}
        fields["is"] = "are" if writer.phrases.plural(noun) else "is"
        answer = filled(writer.pick(questions["variants_levels"]), **fields)
    else:
        answer = filled(writer.pick(questions["variants"]), **fields)
    return milder_first, writer.pick(questions["better"]), answer


def _alike(fact: Fact) -> tuple[str, frozenset[str]]:
    return fact.degradation, frozenset(family_of(kind) for kind in fact.kinds)


def _ordered(language: TextLanguage, better_first: bool) -> tuple[str, str]:
    first, second = QUESTIONS[language]["ordinals"]
    return (first, second) if better_first else (second, first)
