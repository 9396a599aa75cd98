"""The engine that a recipe asks for."""

from __future__ import annotations

from pipeline.engines.engine import Engine
from pipeline.engines.local import LocalEngine
from schemas.recipe.engine import EngineSection


def build_engine(section: EngineSection) -> Engine:
    """The local engine, or the Ray engine, which starts or joins Ray here."""
    if section.kind == "local":
        return LocalEngine()
    from pipeline.engines.ray_data import RayEngine

    return RayEngine(section.actors)
