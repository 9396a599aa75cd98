"""The base of mixtures."""

from typing import Self

from pydantic import model_validator

from schemas.recipe.section import Section


class Modes(Section):
    """Relative weights of a degradation's mixture components; 0 switches one off."""

    @model_validator(mode="after")
    def _one_is_on(self) -> Self:
        weights = self.model_dump()
        if not sum(weights.values()) > 0:
            raise ValueError(f"all modes are switched off; give one of {', '.join(weights)} a weight above 0")
        return self
