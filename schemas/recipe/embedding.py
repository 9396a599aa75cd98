"""What similar sources are found by."""

from typing import Literal

from pydantic import model_validator

from schemas.recipe.section import Fraction, Section


class EmbeddingSection(Section):
    """provider: `layout` (no weights: colours and gradients over the picture), `open_clip` (image features, which also
    find other photographs of the same thing) or `none`.
    model, checkpoint: for `open_clip`, as in filters.semantics.
    similarity: cosine from which two sources count as one picture and stay in one split. A bound that rejects is a
    rule of the policy on source.similarity.
    """

    provider: Literal["none", "layout", "open_clip"] = "layout"
    model: str = ""
    checkpoint: str = ""
    similarity: Fraction = 0.9

    @model_validator(mode="after")
    def _named(self) -> "EmbeddingSection":
        if self.provider == "open_clip" and not self.model:
            raise ValueError(
                "provider 'open_clip' needs a model; give an architecture such as ViT-B-32 and a checkpoint"
            )
        if self.provider != "open_clip" and (self.model or self.checkpoint):
            raise ValueError("model and checkpoint are used by provider 'open_clip' alone; set provider: open_clip")
        return self
