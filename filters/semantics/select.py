"""What tells which degradation a picture shows, as the recipe asks."""

from __future__ import annotations

from filters.contract import ImageFilter
from filters.inference import Device
from schemas.errors import RecipeError
from schemas.recipe.filters.quality import QualitySection
from schemas.recipe.filters.semantics import SemanticsSection


def build_semantics(section: SemanticsSection, quality: QualitySection, device: Device, batch: int) -> ImageFilter:
    """The filter of `section.provider`; with open_clip also the aesthetic head of `quality`, which reads its features.

    Raises RecipeError when a package, a model or a file is missing, and for an aesthetic head without open_clip.
    """
    if section.provider == "open_clip":
        from filters.semantics.clip import ClipSemantics

        return ClipSemantics(section, device, batch, quality.aesthetic)
    if quality.aesthetic:
        raise RecipeError(
            f"filters.quality.aesthetic: {quality.aesthetic!r} reads the image features of open_clip; set "
            "filters.semantics.provider=open_clip with the model that the head was made for"
        )
    from filters.statistics.semantics_filter import StatisticalSemantics

    return StatisticalSemantics()
