"""The recipe, one file a section."""

from schemas.recipe.load import load_recipe, parse_recipe
from schemas.recipe.recipe import Recipe

__all__ = ["Recipe", "load_recipe", "parse_recipe"]
