"""A language model may reword a text. What it says stays what the trace knows."""

from __future__ import annotations

import re
from collections.abc import Callable

from pipeline.text.languages import LANGUAGES
from pipeline.text.mentions import mentions
from pipeline.text.questions import QUESTIONS
from pipeline.text.vocabulary import invents
from schemas.text import TextLanguage, TextRow

#: The shortest and longest rewriting, as shares of the original's length.
LENGTHS = (0.5, 1.6)

_HAN = re.compile(r"[\u3400-\u9fff]")
#: Words and figures in Latin letters: codecs, sizes, and in Chinese anything left untranslated.
_LATIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]*[A-Za-z0-9]|[A-Za-z0-9]")


def rewriting_prompt(answer: str) -> str:
    """What a model is asked in order to reword `answer`, in the answer's language."""
    return f"{QUESTIONS[language_of(answer)]['rewrite'][0]}\n\n{answer}"


def accept_rewrite(original: str, rewritten: str) -> str:
    """`rewritten` if it says what `original` does, else `original`.

    It must be of the same language, with the same headings, of a similar length (.5-1.6 of the original's), and name
    the same distortions, each with the same severity words, the same places, figures and abbreviations, and deny as
    often, in words that texts about damage are made of (`vocabulary`): nothing new and nothing less.
    """
    rewritten = rewritten.strip()
    language = language_of(original)
    low, high = (share * len(original) for share in LENGTHS)
    if not low <= len(rewritten) <= high or language_of(rewritten) != language:
        return original
    if invents(original, rewritten, language):
        return original
    if _headings(original, language) != _headings(rewritten, language) or _names(original) != _names(rewritten):
        return original
    before, after = mentions(original, language), mentions(rewritten, language)
    same = (
        set(before.families) == set(after.families)
        and before.levels == after.levels
        and before.places == after.places
        and before.negations == after.negations
    )
    return rewritten if same else original


def rewritten(row: TextRow, ask: Callable[[str], str]) -> TextRow:
    """`row` with its answer as `ask`, a language model, rewords it, where that can be accepted.

    What `ask` raises is left to the caller.
    """
    return row.model_copy(update={"answer": accept_rewrite(row.answer, ask(rewriting_prompt(row.answer)))})


def language_of(text: str) -> TextLanguage:
    """Chinese if any of its characters is, else English."""
    return "zh" if _HAN.search(text) else "en"


def _headings(text: str, language: TextLanguage) -> list[str]:
    """The headings of its lines, in order."""
    headings = LANGUAGES[language].headings
    return [heading for line in text.splitlines() for heading in headings if line.strip().startswith(heading)]


def _names(text: str) -> set[str]:
    """Figures, and words in Latin letters that are no English ones: those with a figure or several capitals."""
    words = _LATIN.findall(text)
    if language_of(text) == "zh":
        return set(words)
    return {word for word in words if re.search(r"\d", word) or len(re.findall("[A-Z]", word)) > 1}
