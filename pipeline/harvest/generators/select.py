"""The generator that a recipe asks for."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.harvest.generators.contract import ReferenceGenerator
from pipeline.harvest.generators.folder import FolderReferences
from schemas.errors import RecipeError
from schemas.recipe import Recipe

#: Builds a generator from a recipe, at the top level of a module; None where no reference is to be made.
GeneratorFactory = Callable[[Recipe], ReferenceGenerator | None]


def build_generator(recipe: Recipe) -> ReferenceGenerator | None:
    """The generator of `recipe.harvest.generator`; editors of our own, which live above this room, are left to
    `training.reference`.

    Raises RecipeError when it cannot be used.
    """
    section = recipe.harvest.generator
    match section.kind:
        case "none":
            return None
        case "folder":
            return FolderReferences(section.path, recipe.decode.max_pixels)
        case "http":
            from pipeline.harvest.generators.http import ServiceReferences

            return ServiceReferences(section, recipe.decode.max_pixels)
        case "diffusers":
            from pipeline.harvest.generators.diffusers_pipeline import PipelineReferences

            return PipelineReferences(section)
    raise RecipeError(f"harvest.generator.kind: {section.kind!r} is built by `tarnish harvest`")
