"""From the recipe's section to the filter it names."""

from __future__ import annotations

from filters.contract import ImageFilter
from filters.inference import Device
from filters.watermark.detect import OverlayWatermark, TextWatermark
from filters.watermark.owlv2 import Owlv2Watermark
from schemas.recipe.filters.watermark import WatermarkSection


def build_watermark(section: WatermarkSection, device: Device = "auto", batch: int = 16) -> ImageFilter:
    """The filter of `section`. device, batch: for a detector; the others run on one CPU thread.

    Raises RecipeError naming the field when it cannot be used here.
    """
    if section.provider == "owlv2":
        return Owlv2Watermark(section.model, section.queries, section.threshold, device, batch)
    if section.provider == "overlay":
        return OverlayWatermark()
    return TextWatermark(section.lexicon)
