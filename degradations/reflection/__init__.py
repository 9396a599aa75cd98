"""Reflections in a pane of glass: Fresnel weights, ghosts of its surfaces, focus and tint."""

from degradations.reflection.reflection import Reflection, ReflectionParams

__all__ = ["Reflection", "ReflectionParams"]
