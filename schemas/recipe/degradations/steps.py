"""The section that one step of a chain draws from, and what is wrong with the steps of a recipe."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from schemas.recipe.chains import ChainSection, ChainStep

Location = tuple[int | str, ...]


def step_section(own: Any, step: ChainStep) -> Any:
    """A degradation's section `own` with the step's modes and fields in place of its own.

    Raises pydantic's ValidationError for fields and values that the section refuses.
    """
    fields = own.model_dump() | step.section
    if step.modes is not None:
        fields["modes"] = dict.fromkeys(fields.get("modes", {}), 0.0) | step.modes
    return type(own).model_validate(fields)


def chain_faults(chains: Mapping[str, ChainSection], sections: Mapping[str, BaseModel]) -> list[InitErrorDetails]:
    """What is wrong with these chains, for a pydantic error: degradations, modes and fields that do not exist."""
    return [
        fault
        for name, chain in chains.items()
        for number, step in enumerate(chain.steps)
        for fault in _step_faults(step, sections, ("chains", name, "steps", number))
    ]


def unknown(what: str, value: str, known: Iterable[str], location: Location) -> InitErrorDetails:
    """An error on a name that does not exist, with the nearest one that does."""
    names = list(known)
    near = difflib.get_close_matches(value, names, n=1, cutoff=0.4)
    remedy = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
    return _fault(f"unknown {what}; {remedy}", value, location)


def _step_faults(step: ChainStep, sections: Mapping[str, BaseModel], location: Location) -> Iterator[InitErrorDetails]:
    if step.degradation not in sections:
        yield unknown("degradation", step.degradation, sections, (*location, "degradation"))
        return
    own = sections[step.degradation]
    known = type(own.modes).model_fields if hasattr(own, "modes") else {}
    if step.modes is not None and not known:
        yield _fault(f"{step.degradation} has no modes; leave them out", step.modes, (*location, "modes"))
        return
    strangers = [mode for mode in step.modes or {} if mode not in known]
    for mode in strangers:
        yield unknown("mode", mode, known, (*location, "modes", mode))
    fields = [field for field in type(own).model_fields if field not in ("weight", "modes")]
    for field in step.section.keys() - fields:
        yield unknown("field", field, fields, (*location, "section", field))
    if strangers or step.section.keys() - fields:
        return
    try:
        step_section(own, step)
    except ValidationError as error:
        for item in error.errors():
            inside = item["loc"] if item["loc"][:1] == ("modes",) else ("section", *item["loc"])
            yield _fault(item["msg"].removeprefix("Value error, "), item["input"], (*location, *inside))


def _fault(message: str, value: Any, location: Location) -> InitErrorDetails:
    kind = PydanticCustomError("chain", "{message}", {"message": message})
    return InitErrorDetails(type=kind, loc=location, input=value)
