"""All degradations by name."""

from __future__ import annotations

from typing import Any

from degradations.agenticir import AgenticIR
from degradations.albumentations_adapter import Albumentations
from degradations.apisr import Apisr
from degradations.blur import Blur
from degradations.compression import Compression
from degradations.contract import Degradation
from degradations.depictqa import DepictQA
from degradations.flare import Flare
from degradations.haze import Haze
from degradations.lowlight import Lowlight
from degradations.moire import Moire
from degradations.noise import Noise
from degradations.rain import Rain
from degradations.realesrgan import RealEsrgan
from degradations.reflection import Reflection
from degradations.web_style import WebStyle
from schemas.recipe.degradations import DegradationsSection

CLASSES: dict[str, type[Degradation[Any]]] = {
    cls.name: cls
    for cls in (
        Noise,
        Blur,
        Compression,
        Haze,
        Lowlight,
        Rain,
        Flare,
        Moire,
        RealEsrgan,
        Reflection,
        WebStyle,
        Apisr,
        AgenticIR,
        DepictQA,
        Albumentations,
    )
}


def build(name: str, section: DegradationsSection | None = None) -> Degradation[Any]:
    """The degradation `name` with its part of the recipe (the defaults if None).

    Raises KeyError for an unknown name.
    """
    if name not in CLASSES:
        raise KeyError(f"unknown degradation {name!r}; known: {', '.join(CLASSES)}")
    section = section if section is not None else DegradationsSection()
    return CLASSES[name](getattr(section, name))  # type: ignore[call-arg]
