"""How samples are stored."""

from typing import Literal

from schemas.recipe.section import Section


class ShardSection(Section):
    """degraded_format: codec of the degraded image, always lossless. Clean targets keep their own bytes when nothing
    had to change, else they are PNG.
    """

    degraded_format: Literal["png", "webp"] = "png"
