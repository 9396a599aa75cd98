"""The words that texts about damage are made of: a rewording that needs others may say what nobody saw."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from pipeline.text import families_en, families_zh, kinds_en, kinds_zh, phrases_en, phrases_zh, questions
from schemas.text import TextLanguage

_MODULES = {
    "en": (families_en, kinds_en, phrases_en, questions),
    "zh": (families_zh, kinds_zh, phrases_zh, questions),
}
_WORD = re.compile(r"[a-z]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_ENDINGS = ("ing", "edly", "ed", "ly", "es", "s", "d", "er", "est", "ness")
#: Words of grammar and judgement that say nothing about what a picture shows.
_PLAIN_ENGLISH = """
a about across after again all almost along also although among an and another any appear appears are around as
at be because been before being below better between both but by can cannot clearly compared could despite do
does due each either enough especially even every exhibit exhibits fairly few first for from further given good
has have having hence here high how however if in indeed instead into is it its itself just large largely less
like likely low main mainly make makes many may mild more most mostly much must near nearly needs neither no nor
not noticeable noticeably now obvious of off on once one only onto or other otherwise our out over overall
particularly partly perceptible present pronounced quite rather really result results resulting same second see
seen several severe should show showing shown shows significant significantly similar since slight small so some
somewhat still strong strongly such than that the their them then there therefore these they this those though
through throughout thus to together too toward two under until up upon us very visible visibly was way we well
were what when where which while whole will with within without worse would yet you your
"""
_PLAIN_CHINESE = (
    "的了着过是有在和与及或但而且因此所以仍也都就才只被把将使让其它该此这那每各张幅图像画面照片中等到从向朝对为于属类一二三四五两"
    "很较更最比无没不可能会应看见来出起去得地种些几多少大小高低强弱上下左右前后内外里间降升增减明显清楚整体部分处于存呈现出受到带"
    "来造成导致需要先再然后最终之后以及使其恢复去除消除改善提升减轻保持自然细节质量较为十分非常相当略微轻微中度严重几乎完全主要"
)


def invents(original: str, rewritten: str, language: TextLanguage) -> bool:
    """Whether `rewritten` uses words (Chinese: characters) that neither `original` nor any text of ours has."""
    if language == "zh":
        return bool(set(_HAN.findall(rewritten)) - set(original) - _characters() - set(_PLAIN_CHINESE))
    known = _words() | set(_PLAIN_ENGLISH.split()) | _forms(original)
    return any(not (_forms(word) & known) for word in set(_WORD.findall(rewritten.lower())))


@cache
def _words() -> frozenset[str]:
    return frozenset(form for text in _texts("en") for form in _forms(text))


@cache
def _characters() -> frozenset[str]:
    return frozenset(character for text in _texts("zh") for character in _HAN.findall(text))


def _forms(text: str) -> frozenset[str]:
    """The words of `text`, in lower case, with and without endings."""
    words = set(_WORD.findall(text.lower()))
    short = {word.removesuffix(end) for word in words for end in _ENDINGS if len(word.removesuffix(end)) >= 4}
    return frozenset(words | short)


def _texts(language: str) -> Iterator[str]:
    for module in _MODULES[language]:
        for name, value in vars(module).items():
            if not name.startswith("__"):
                yield from _strings(value)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, tuple | list | set | frozenset):
        for inner in value:
            yield from _strings(inner)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from _strings(getattr(value, name))
