"""What a text says of distortions: which ones it names, how severe they are, where they lie."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from pipeline.text.fact import family_of
from pipeline.text.languages import LANGUAGES
from schemas.text import TextLanguage

#: How many characters a comma between two words counts for.
_COMMA = 20


class Mentions(NamedTuple):
    """families: named distortions in order of appearance. levels: each severity told, with the distortion of its
    sentence that stands nearest ("" if none does). places: words for places. negations: how often something is denied.
    """

    families: tuple[str, ...]
    levels: frozenset[tuple[str, int]]
    places: frozenset[str]
    negations: int


def mentions(text: str, language: TextLanguage) -> Mentions:
    """What `text` names; of words within words, the longest counts."""
    phrases = LANGUAGES[language]
    found, families = set(), []
    for sentence in re.split(r"(?<=[.!?;])\s|[。！？；\n]", text):
        tokens = [(match, _terms(language)[match[0].lower()]) for match in _pattern(language).finditer(sentence)]
        named = [(match, meaning) for match, meaning in tokens if isinstance(meaning, str)]
        families += [meaning for _, meaning in named]
        for match, meaning in tokens:
            if isinstance(meaning, int):
                gaps = [(_gap(sentence, match, other), family) for other, family in named]
                found.add((min(gaps)[1] if gaps else "", meaning))
    located = _any_of(phrases.located, language).findall(text)
    denied = _any_of(phrases.negations, language).findall(text)
    return Mentions(tuple(families), frozenset(found), frozenset(word.lower() for word in located), len(denied))


def _gap(sentence: str, level: re.Match[str], noun: re.Match[str]) -> int:
    """How far a noun stands from an adjective or predicate: characters between them, and more for each comma."""
    follows = noun.start() >= level.end()
    between = sentence[level.end() : noun.start()] if follows else sentence[noun.end() : level.start()]
    between = between.removeprefix("的") if follows else between
    return len(between) + _COMMA * len(re.findall("[,，、:：]", between))


@cache
def _terms(language: TextLanguage) -> dict[str, str | int]:
    """The meaning of each term in lower case: a family or a level."""
    phrases = LANGUAGES[language]
    terms: dict[str, str | int] = dict(phrases.stems)
    for level, words in enumerate(zip(phrases.levels, phrases.degrees, strict=True), start=1):
        terms |= {word.removesuffix("的"): level for group in words for word in group}
    for kind, named in phrases.kinds.items():
        terms |= dict.fromkeys(named.nouns, family_of(kind))
    for name, family in phrases.families.items():
        terms |= dict.fromkeys((family.name, *family.words), name)
    return {term.lower(): meaning for term, meaning in terms.items()}


@cache
def _pattern(language: TextLanguage) -> re.Pattern[str]:
    return _any_of(tuple(_terms(language)), language)


@cache
def _any_of(terms: tuple[str, ...], language: TextLanguage) -> re.Pattern[str]:
    longest_first = "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True))
    before, after = LANGUAGES[language].boundaries
    return re.compile(f"{before}(?:{longest_first}){after}", re.IGNORECASE)
