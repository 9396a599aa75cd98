"""Reading a recipe: YAML, dotted overrides, and errors that name the field, the value and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, Tag, ValidationError

from schemas.errors import RecipeError
from schemas.recipe.recipe import Recipe


def load_recipe(path: Path | None, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in the YAML file `path` (the defaults if None) with `overrides` such as `plan.variants=3` applied.

    Raises RecipeError when the file cannot be read, is no mapping, or has an unknown key or an unusable value.
    """
    data: dict[str, Any] = {}
    if path is not None:
        try:
            loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise RecipeError(f"recipe {path}: cannot be read ({error.strerror}); name an existing file") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise RecipeError(f"recipe {path}: not YAML: {error}") from error
        if not isinstance(loaded, dict | None):
            raise RecipeError(f"recipe {path}: holds a {type(loaded).__name__}, not a mapping of sections")
        data = loaded or {}
    for override in overrides:
        _apply_override(data, override)
    return parse_recipe(data)


def parse_recipe(data: dict[str, Any]) -> Recipe:
    """The recipe of plain data. Raises RecipeError with one line a mistake."""
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        lines = [_explain(tuple(item["loc"]), dict(item)) for item in error.errors()]
        raise RecipeError("\n".join(lines)) from None


def _apply_override(data: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    parts = name.strip().split(".")
    if not equals or not all(parts):
        raise RecipeError(f"override {override!r}: write it as section.field=value, for instance plan.variants=3")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"override {override!r}: the value is not YAML: {error}") from error
    node: Any = data
    for part in parts[:-1]:
        node = _descend(node, part, override)
    last = parts[-1]
    if isinstance(node, list):
        node[_position(node, last, override)] = value
    else:
        node[last] = value


def _descend(node: Any, part: str, override: str) -> Any:
    if isinstance(node, list):
        return node[_position(node, part, override)]
    child = node.setdefault(part, {})
    if child is None:
        child = node[part] = {}
    if not isinstance(child, dict | list):
        raise RecipeError(f"override {override!r}: {part} holds {child!r}, which has no fields")
    return child


def _position(node: list[Any], part: str, override: str) -> int:
    if not part.isdigit() or int(part) >= len(node):
        raise RecipeError(f"override {override!r}: {part!r} is no position in a list of {len(node)}; count from 0")
    return int(part)


def _explain(location: tuple[int | str, ...], error: dict[str, Any]) -> str:
    name = ".".join(str(part) for part in _without_tags(location))
    if error["type"] == "extra_forbidden":
        known = _fields_at(location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.4)
        remedy = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return f"{name}: unknown field; {remedy}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{name}: {message} (got {error['input']!r})"


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Recipe
    for part in location:
        model = _inner_model(model, part)
        if model is None:
            return []
    return list(model.model_fields)


def _without_tags(location: tuple[int | str, ...]) -> list[int | str]:
    """The location without the tags by which sections of several kinds are told apart, which no recipe has."""
    model: Any = Recipe
    parts = []
    for part in location:
        if not isinstance(model, dict):
            parts.append(part)
        model = _inner_model(model, part)
    return parts


def _inner_model(model: Any, part: int | str) -> Any:
    """The section class below `model` (a section class, or a container's annotation) at `part`; where sections of
    several kinds may stand, these by their tags, which the location names next."""
    if isinstance(model, dict):
        return model.get(part)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return None
    if isinstance(part, int) or part not in model.model_fields:
        return model  # a position in a tuple or a key of a mapping, already looked through
    annotation = model.model_fields[str(part)].annotation
    return _tagged(annotation) or _first_model(annotation)


def _tagged(annotation: Any) -> dict[str, Any]:
    """The classes of a union by their tags; empty for anything else."""
    members = [(get_args(arg) or (arg,)) for arg in get_args(annotation)]
    return {each.tag: kind for kind, *rest in members for each in rest if isinstance(each, Tag)}


def _first_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for arg in get_args(annotation):
        if (found := _first_model(arg)) is not None:
            return found
    return None
