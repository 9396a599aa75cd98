"""What turns pictures into embeddings for the search for similar ones, as the recipe asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from filters.contract import Image
from filters.embedding import DIMENSIONS, Embeddings, layout_embedding, mirrored, to_unit_steps
from filters.inference import Device
from schemas.recipe.embedding import EmbeddingSection


class Embedder(Protocol):
    """batch: pictures that it likes to be given at once. reads_reduced: whether `perceptual_hash.reduced` pictures give
    it the same embeddings."""

    batch: int
    reads_reduced: bool

    def embed(self, images: Sequence[Image]) -> Embeddings:
        """Float16 (n, d), of unit length in multiples of 1/2048, of pictures (uint8 (H, W, 3), sRGB)."""


class LayoutEmbedder:
    """`embedding.layout_embedding`, without weights."""

    batch = 1
    reads_reduced = True

    def embed(self, images: Sequence[Image]) -> Embeddings:
        if not images:
            return np.zeros((0, DIMENSIONS), dtype=np.float16)
        return np.stack([layout_embedding(image) for image in images])


class ClipEmbedder:
    """The image features of an open_clip model."""

    reads_reduced = False

    def __init__(self, section: EmbeddingSection, device: Device, batch: int) -> None:
        from filters.semantics.clip_model import ClipModel

        self._model = ClipModel(section.model, section.checkpoint, device, batch, field="plan.embedding")
        self.batch = batch

    def embed(self, images: Sequence[Image]) -> Embeddings:
        return to_unit_steps(self._model.embed(images))


def build_embedder(section: EmbeddingSection, device: Device, batch: int) -> Embedder | None:
    """The embedder of `section.provider`, or None. Raises RecipeError when a package or a model is missing."""
    match section.provider:
        case "none":
            return None
        case "layout":
            return LayoutEmbedder()
    return ClipEmbedder(section, device, batch)


def other_views(section: EmbeddingSection, embeddings: Embeddings) -> list[Embeddings]:
    """What the same pictures would give mirrored, where that needs no pixels."""
    return [mirrored(embeddings)] if section.provider == "layout" and len(embeddings) else []
