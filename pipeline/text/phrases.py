"""The shape of a language's vocabulary, and the rules by which its words are put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Kind(NamedTuple):
    """nouns: names of a kind of distortion, the first one the plainest. symptoms: sentences on how it looks."""

    nouns: tuple[str, ...]
    symptoms: tuple[str, ...]


class Family(NamedTuple):
    """name: of the family, as an option of a question. words: what else names it in a text. wants: what a user asks
    for. slight, severe: sentences on its effect up to level 2 and from level 4. cures: steps of a plan, with {what} for
    its noun. outcomes: what the restored picture has."""

    name: str
    words: tuple[str, ...]
    wants: tuple[str, ...]
    slight: tuple[str, ...]
    severe: tuple[str, ...]
    cures: tuple[str, ...]
    outcomes: tuple[str, ...]


class Phrases(NamedTuple):
    """All that a language says.

    levels: adjectives of levels 1-5. degrees: the same, to say how much a picture is affected. predicates: the same,
    after a subject. stems: further words that tell a level. places: sentences by key of a place, with {where}, whose
    wording `wheres` gives by key and cell. located: words that name a place in a text; negations: words that deny.
    patterns: sentences by their purpose. joined: a list in words. attributed: adjective and noun. headed: a paragraph
    under its heading. finished: sentences as a text. boundaries: regular expressions before and after a term. plural:
    whether a noun is one.
    """

    kinds: dict[str, Kind]
    families: dict[str, Family]
    levels: tuple[tuple[str, ...], ...]
    degrees: tuple[tuple[str, ...], ...]
    predicates: tuple[tuple[str, ...], ...]
    stems: dict[str, int]
    places: dict[str, tuple[str, ...]]
    wheres: dict[str, dict[str, str]]
    located: tuple[str, ...]
    negations: tuple[str, ...]
    patterns: dict[str, tuple[str, ...]]
    headings: tuple[str, str, str, str]
    joined: Callable[[Sequence[str]], str]
    attributed: Callable[[str, str], str]
    headed: Callable[[str, str], str]
    finished: Callable[[Sequence[str]], str]
    boundaries: tuple[str, str]
    plural: Callable[[str], bool]
