"""Lens flare: patterns of a bank added, in linear light, around a source of light."""

from degradations.flare.flare import Flare, FlareParams

__all__ = ["Flare", "FlareParams"]
