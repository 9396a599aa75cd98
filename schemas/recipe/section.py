"""The base of all recipe sections."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A frozen part of the recipe; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


#: A relative frequency: zero or more, need not sum to one.
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
#: A number in [0, 1].
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
