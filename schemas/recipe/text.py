"""The recipe of the texts that go with accepted samples."""

from typing import Self

from pydantic import model_validator

from schemas.recipe.section import Section
from schemas.text import KINDS, LANGUAGES, TextKind, TextLanguage


class TextSection(Section):
    """Texts made from traces, none by a model. enabled: whether they are made at all. languages: English, Chinese.

    kinds: `interleaved` (user intent, analysis, plan, expected result), `identification` (which distortions),
    `description` (what they do to the picture), `comparison` (which of two pictures is better, and why).
    """

    enabled: bool = True
    languages: tuple[TextLanguage, ...] = LANGUAGES
    kinds: tuple[TextKind, ...] = KINDS

    @model_validator(mode="after")
    def _something_is_made(self) -> Self:
        for field in ("languages", "kinds"):
            if self.enabled and not getattr(self, field):
                raise ValueError(f"text.{field} is empty; name at least one or set text.enabled to false")
        return self
