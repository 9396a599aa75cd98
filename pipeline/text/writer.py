"""Sentences about facts, worded by a generator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from pipeline.text.fact import Fact, families_of, family_of, kinds_of
from pipeline.text.phrases import Phrases

#: How often a severity is told by an adverb or a predicate instead of an adjective.
_BY_DEGREE = 0.35


class Writer:
    """Draws one wording after the other for `facts`; no pattern is used twice in a row."""

    def __init__(self, rng: np.random.Generator, phrases: Phrases, facts: Sequence[Fact]) -> None:
        self.phrases = phrases
        self.facts = facts
        self._rng = rng
        self._last: dict[str, str] = {}
        self._words: dict[tuple[tuple[str, ...], ...], dict[int, str]] = {}
        counts = Counter(family_of(kind) for kind in kinds_of(facts))
        self._unique = {family for family, count in counts.items() if count == 1}

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self._rng.random() < probability)

    def pick(self, options: Sequence[str], purpose: str = "") -> str:
        """One of the options; not the one that was last drawn for the same purpose, if there are others."""
        fresh = [option for option in options if option != self._last.get(purpose)] if purpose else list(options)
        chosen = (fresh or list(options))[int(self._rng.integers(len(fresh or options)))]
        if purpose:
            self._last[purpose] = chosen
        return chosen

    def pattern(self, purpose: str) -> str:
        """A pattern of the language for this purpose."""
        return self.pick(self.phrases.patterns[purpose], purpose)

    def shuffled(self, items: Iterable[str]) -> list[str]:
        """The items in random order."""
        listed = list(items)
        return [listed[int(i)] for i in self._rng.permutation(len(listed))]

    def noun(self, kind: str) -> str:
        """A name of a kind of distortion."""
        return self.pick(self.phrases.kinds[kind].nouns)

    def short_noun(self, kind: str) -> str:
        """A name that later mentions may use: the family's, unless another kind of it is there too."""
        family = family_of(kind)
        nouns = self.phrases.kinds[kind].nouns
        return self.pick((*nouns, self.phrases.families[family].name) if family in self._unique else nouns)

    def nouns(self, kinds: Iterable[str]) -> str:
        """A list of distortions in words."""
        return self.phrases.joined([self.noun(kind) for kind in kinds])

    def level(self, fact: Fact) -> str:
        """The adjective of a fact's severity, empty where it is unknown."""
        return self._word(self.phrases.levels, fact)

    def degree(self, fact: Fact) -> str:
        """The adverb or predicate of a fact's severity, empty where it is unknown."""
        return self._word(self.phrases.degrees, fact)

    def predicate(self, fact: Fact) -> str:
        """What follows "is" to tell a fact's severity, empty where it is unknown."""
        return self._word(self.phrases.predicates, fact)

    def _word(self, words: tuple[tuple[str, ...], ...], fact: Fact) -> str:
        """One word a level and text: two would be read as two levels."""
        if fact.level is None:
            return ""
        chosen = self._words.setdefault(words, {})
        return chosen.setdefault(fact.level, self.pick(words[fact.level - 1]))

    def qualified(self, fact: Fact) -> str:
        """The distortions of a fact with the severity of a single one."""
        if len(fact.kinds) > 1:
            return self.nouns(fact.kinds)
        return self.qualified_noun(fact, self.noun(fact.kinds[0]))

    def qualified_noun(self, fact: Fact, noun: str) -> str:
        """A noun with the adjective of the fact's severity."""
        level = self.level(fact)
        return self.phrases.attributed(level, noun) if level else noun

    def overview(self) -> str:
        """One sentence that names all distortions."""
        return filled(self.pattern("overview"), nouns=self.nouns(kinds_of(self.facts)))

    def statement(self, fact: Fact, first: bool) -> str:
        """The sentence that says that a fact's distortions are there, and how severe they are."""
        if len(fact.kinds) > 1:
            pattern = self.pattern("joint" if first else "joint_also")
            return filled(pattern, nouns=self.nouns(fact.kinds), predicate=self.predicate(fact))
        noun = self.noun(fact.kinds[0])
        if fact.minor and not first:
            return filled(self.pattern("minor"), noun=noun)
        purpose = ("faint" if fact.level == 1 else "main") if first else "also"
        if fact.level and self.chance(_BY_DEGREE):
            return filled(self.pattern("main_degree" if first else "also_degree"), noun=noun, degree=self.degree(fact))
        plural = self.phrases.plural(noun)
        verb, ending = ("are", "") if plural else ("is", "s")
        return filled(self.pattern(purpose), what=self.qualified_noun(fact, noun), **{"is": verb, "s": ending})

    def symptom(self, kind: str) -> str:
        """A sentence on how a kind of distortion looks."""
        return self.pick(self.phrases.kinds[kind].symptoms)

    def places(self, fact: Fact) -> list[str]:
        """Sentences on where a fact's distortion shows."""
        sentences = []
        for place in fact.places:
            where = self.phrases.wheres[place.key][place.where] if place.where else ""
            sentences.append(filled(self.pick(self.phrases.places[place.key]), where=where))
        return sentences

    def effect(self, fact: Fact) -> str:
        """A sentence on what a single distortion leaves of the picture; empty in the middle of the scale."""
        if fact.level is None or fact.level == 3 or len(fact.kinds) > 1:
            return ""
        family = self.phrases.families[family_of(fact.kinds[0])]
        return self.pick(family.slight if fact.level < 3 else family.severe)

    def look(self, fact: Fact, effects: bool) -> list[str]:
        """How a single distortion looks, where, and, if `effects` are asked for, what it leaves of the picture.

        Of what is barely visible there is no look to tell: then its effect alone.
        """
        if fact.minor or len(fact.kinds) > 1:
            return self.places(fact)
        if fact.level == 1:
            return [self.effect(fact), *self.places(fact)]
        sentences = [self.symptom(fact.kinds[0]), *self.places(fact)]
        effect = self.effect(fact) if effects else ""
        if effect and fact.level == 2:
            effect = self.pattern("concession") + effect[0].lower() + effect[1:]
        return [*sentences, effect] if effect else sentences

    def outcomes(self) -> str:
        """What the restored picture has, for at most three families, the first ones to be undone."""
        families = [self.phrases.families[name] for name in reversed(families_of(self.facts))]
        return self.phrases.joined([self.pick(family.outcomes) for family in families[:3]])


def filled(pattern: str, **fields: str) -> str:
    """A pattern with its fields; those written with a capital begin a sentence."""
    capitals = {name.capitalize(): text[:1].upper() + text[1:] for name, text in fields.items()}
    return pattern.format(**fields, **capitals)
