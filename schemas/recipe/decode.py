"""What may be decoded."""

from pydantic import Field

from schemas.recipe.section import Section


class DecodeSection(Section):
    """max_pixels: images whose header announces more are rejected before any pixel is decoded."""

    max_pixels: int = Field(default=120_000_000, ge=1)
