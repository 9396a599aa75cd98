"""Named sets of chains that other work evaluates or trains on, one YAML file each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from pydantic import TypeAdapter

from schemas.recipe.chains import ChainName, ChainSection

_CHAINS = TypeAdapter(dict[ChainName, ChainSection])


@cache
def composition_names() -> tuple[str, ...]:
    """Names of all compositions, sorted."""
    names = [entry.name for entry in files(__package__).iterdir() if entry.name.endswith(".yaml")]
    return tuple(sorted(name.removesuffix(".yaml") for name in names))


@cache
def composition(name: str) -> dict[str, ChainSection]:
    """The chains of a composition, by "COMPOSITION-CHAIN"; their weights sum to one.

    Raises KeyError for an unknown name.
    """
    if name not in composition_names():
        raise KeyError(f"unknown composition {name!r}; known: {', '.join(composition_names())}")
    text = files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    chains = _CHAINS.validate_python(yaml.safe_load(text))
    total = sum(chain.weight for chain in chains.values())
    return {f"{name}-{key}": chain.model_copy(update={"weight": chain.weight / total}) for key, chain in chains.items()}
