"""A picture compared with a sentence for each degradation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filters.contract import Finding, Image
from filters.inference import Device, digest
from filters.quality.aesthetic import AestheticHead
from filters.semantics.clip_model import ClipModel
from schemas.recipe.filters.semantics import SemanticsSection
from schemas.record import canonical_json


@dataclass(frozen=True)
class _Prompts:
    features: NDArray[np.float64]
    logit_scale: float


class ClipSemantics:
    """`clip.NAME`, the cosine of picture and prompt in [−1, 1], and `semantics.NAME`, probabilities that sum to 1.

    NAME runs over the prompts of the section, a degradation each and `clean`. The probabilities are the softmax over
    the prompts of the model's logit scale · cosine / temperature (Radford et al. 2021). With an aesthetic head also
    `quality.aesthetic`, on LAION's scale of 1 to 10. Raises RecipeError as `ClipModel` and `AestheticHead`.
    """

    name = "semantics"
    provider = "open_clip"

    def __init__(
        self, section: SemanticsSection, device: Device = "auto", batch: int = 16, aesthetic: str = ""
    ) -> None:
        self._section = section
        self._model = ClipModel(section.model, section.checkpoint, device, batch)
        self._head = AestheticHead(aesthetic) if aesthetic else None
        self._prompts: _Prompts | None = None

    @property
    def version(self) -> str:
        """16 hex of the sha256 of model, preprocessing, prompts, temperature and aesthetic head; loads the model."""
        said = canonical_json({"prompts": self._section.prompts, "temperature": self._section.temperature})
        return digest(self._model.version, said, self._head.version if self._head else "")

    def load(self) -> None:
        """Loads the model and embeds the prompts. Raises RecipeError when it cannot be used."""
        self._sentences()

    def _sentences(self) -> _Prompts:
        if self._prompts is None:
            features = self._model.embed_texts(list(self._section.prompts.values())).astype(np.float64)
            if self._head is not None:
                self._head.check(features.shape[1], self._section.model)
            self._prompts = _Prompts(features, self._model.logit_scale)
        return self._prompts

    def embed(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Float32 (n, d) of unit length: an embedding of each picture (uint8 (H, W, 3), sRGB)."""
        return self._model.embed(images)

    def score(self, images: Sequence[Image]) -> list[Finding]:
        """A finding for each picture (uint8 (H, W, 3), sRGB, any sizes), in order."""
        prompts = self._sentences()
        return [self._finding(feature.astype(np.float64), prompts) for feature in self.embed(images)]

    def _finding(self, feature: NDArray[np.float64], prompts: _Prompts) -> Finding:
        cosines = (prompts.features * feature).sum(axis=1)
        logits = prompts.logit_scale * cosines / self._section.temperature
        odds = np.exp(logits - logits.max())
        shares = odds / odds.sum()
        scores = {}
        for name, cosine, share in zip(self._section.prompts, cosines, shares, strict=True):
            scores[f"clip.{name}"] = float(cosine)
            scores[f"semantics.{name}"] = float(share)
        if self._head is not None:
            scores["quality.aesthetic"] = self._head.score(feature)
        return Finding(scores)
