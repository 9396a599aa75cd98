"""Texts about a sample: what is asked, what is answered, and which pictures are shown with the question."""

from typing import Literal

from schemas.record import Record

TextLanguage = Literal["en", "zh"]
TextKind = Literal["interleaved", "identification", "description", "comparison"]

LANGUAGES: tuple[TextLanguage, ...] = ("en", "zh")
KINDS: tuple[TextKind, ...] = ("interleaved", "identification", "description", "comparison")


class TextRow(Record):
    """One question and its answer. images: members shown with the prompt, in the order in which it counts them: `lq`
    and `gt` of the sample itself, `KEY.lq` of another one."""

    sample_key: str
    kind: TextKind
    language: TextLanguage
    images: list[str]
    prompt: str
    answer: str


class Interleaved(Record):
    """The text that UARE (2025) interleaves with the pictures of a restoration, part by part and in this order."""

    intent: str
    analysis: str
    plan: str
    result: str
