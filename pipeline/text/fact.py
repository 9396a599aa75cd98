"""One thing that is known about a degraded picture, apart from any language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from schemas.recipe.chains import level_of

#: A step's recorded parameters.
Params = dict[str, Any]


class Place(NamedTuple):
    """Where or in which direction a distortion shows. key: the kind of statement. where: its cell, side or axis."""

    key: str
    where: str = ""


class Fact(NamedTuple):
    """What one degradation did to the picture.

    kinds: "FAMILY.KIND" of each distortion that it made, in that order; one, or several of a chain inside a single
    degradation, whose severity they share. severity: in [0, 1], None where the trace does not tell.
    minor: it came along with the degradation before it.
    """

    degradation: str
    kinds: tuple[str, ...]
    severity: float | None
    places: tuple[Place, ...] = ()
    minor: bool = False

    @property
    def level(self) -> int | None:
        """1 (barely visible) to 5 (severe): the fifth of severity."""
        return None if self.severity is None else level_of(self.severity)


def family_of(kind: str) -> str:
    """The family of a "FAMILY.KIND"."""
    return kind.partition(".")[0]


def families_of(facts: Iterable[Fact]) -> tuple[str, ...]:
    """The families of distortions among `facts`, each once, in the order in which they were made."""
    return tuple(dict.fromkeys(family_of(kind) for fact in facts for kind in fact.kinds))


def kinds_of(facts: Iterable[Fact]) -> tuple[str, ...]:
    """The kinds of distortions among `facts`, each once, where it was made last."""
    made = [kind for fact in facts for kind in fact.kinds]
    return tuple(reversed(dict.fromkeys(reversed(made))))
