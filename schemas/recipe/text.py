"""The recipe of the texts that go with accepted samples."""

from typing import Self

from pydantic import Field, model_validator

from schemas.recipe.section import Section
from schemas.text import KINDS, LANGUAGES, TextKind, TextLanguage


class RewriterSection(Section):
    """A language model that rewords texts while a dataset is packed; what it says must stay what the trace knows.

    model: the name that the server knows; empty for no rewording. url, api_key_variable: of an OpenAI-compatible
    server; the environment variable that holds its key, empty for none. concurrency: requests under way at a time in
    one worker. timeout: seconds a request may take. retries: how often a failed one is sent again.
    """

    model: str = ""
    url: str = "http://127.0.0.1:8000/v1"
    api_key_variable: str = ""
    concurrency: int = Field(default=8, ge=1, le=256)
    timeout: float = Field(default=120.0, gt=0.0, allow_inf_nan=False)
    retries: int = Field(default=4, ge=0, le=20)


class TextSection(Section):
    """Texts made from traces. enabled: whether they are made at all. languages: English, Chinese.

    kinds: `interleaved` (user intent, analysis, plan, expected result), `identification` (which distortions),
    `description` (what they do to the picture), `comparison` (which of two pictures is better, and why).
    rewriter: who may reword them.
    """

    enabled: bool = True
    languages: tuple[TextLanguage, ...] = LANGUAGES
    kinds: tuple[TextKind, ...] = KINDS
    rewriter: RewriterSection = RewriterSection()

    @model_validator(mode="after")
    def _something_is_made(self) -> Self:
        for field in ("languages", "kinds"):
            if self.enabled and not getattr(self, field):
                raise ValueError(f"text.{field} is empty; name at least one or set text.enabled to false")
        return self
