"""The judge that a recipe names."""

from __future__ import annotations

from filters.judge.judge import EndpointJudge, KeptJudge
from filters.judge.questions import Kind
from filters.looking import Looker
from schemas.recipe.filters.judge import JudgeSection


def build_judge(section: JudgeSection, kind: Kind) -> Looker:
    """The judge of `section.provider` that asks questions of one kind. Raises RecipeError as its class does."""
    return EndpointJudge(section, kind) if section.provider == "endpoint" else KeptJudge(section, kind)
