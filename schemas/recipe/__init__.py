"""The recipe, one file a section."""

from schemas.recipe.load import load_recipe, parse_recipe
from schemas.recipe.recipe import Recipe, fingerprint_of

__all__ = ["Recipe", "fingerprint_of", "load_recipe", "parse_recipe"]
