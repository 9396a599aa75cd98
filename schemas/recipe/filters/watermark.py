"""What finds watermarks."""

from typing import Literal

from pydantic import model_validator

from schemas.recipe.section import Fraction, Section


class WatermarkSection(Section):
    """provider: `rapidocr` (text found and read by the models that its package carries, and repeated overlays),
    `overlay` (repeated overlays and lines from corner to corner alone, a hundred times faster) or `owlv2` (an
    open-vocabulary detector of transformers).
    model: for `owlv2`, the folder of a model or its hub id, for instance google/owlv2-base-patch16-ensemble.
    queries: for `owlv2`, what is looked for.
    threshold: for `owlv2`, the score below which a detection does not count.
    lexicon: words that mark a watermark beside those known (a site's name, an agency's), in any case.
    """

    provider: Literal["rapidocr", "overlay", "owlv2"] = "rapidocr"
    model: str = ""
    queries: tuple[str, ...] = ("a watermark", "a logo overlay", "a stock photo watermark", "a copyright text")
    threshold: Fraction = 0.1
    lexicon: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _named(self) -> "WatermarkSection":
        if self.provider == "owlv2" and not (self.model and self.queries):
            raise ValueError(
                "provider 'owlv2' needs a model and queries; e.g. model: google/owlv2-base-patch16-ensemble"
            )
        if self.provider != "owlv2" and self.model:
            raise ValueError(f"model {self.model!r} is used by provider 'owlv2' alone; set provider: owlv2")
        return self
