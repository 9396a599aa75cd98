"""How sources are spread over degradations."""

from typing import Self

from pydantic import Field, model_validator

from schemas.recipe.embedding import EmbeddingSection
from schemas.recipe.section import Fraction, Section


class PlanSection(Section):
    """Variants a source, the range of severities, held-out sources and the size of a work unit.

    variants: samples made of each source, each with a degradation of its own: a source meets every degradation in
    turn, in proportion to the weights, before one repeats.
    severity_low, severity_high: severities are uniform between them.
    heldout, validation: shares of the sources kept apart, for the final evaluation and for choosing checkpoints; near
    duplicates stay in one split.
    unit_size: plan rows a work unit. It changes the division into shards, never a sample.
    near_duplicate_radius: Hamming distance in bits of 64 up to which near duplicates are searched for.
    embedding: what similar sources, crops and mirrored copies among them, are found by.
    benchmarks: files, folders and globs of benchmark pictures that must never enter training; tars are read as
    WebDataset, Parquet files by their column `image`.
    benchmark_radius, benchmark_similarity: Hamming distance of perceptual hashes up to which, and cosine of embeddings
    from which, a source counts as one of the benchmark's pictures.
    """

    variants: int = Field(default=1, ge=1)
    severity_low: Fraction = 0.1
    severity_high: Fraction = 0.9
    heldout: Fraction = 0.0
    validation: Fraction = 0.0
    unit_size: int = Field(default=16, ge=1)
    near_duplicate_radius: int = Field(default=10, ge=0, le=16)
    embedding: EmbeddingSection = EmbeddingSection()
    benchmarks: tuple[str, ...] = ()
    benchmark_radius: int = Field(default=8, ge=0, le=32)
    benchmark_similarity: Fraction = 0.85

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.severity_low > self.severity_high:
            raise ValueError(f"severity_low {self.severity_low} is above severity_high {self.severity_high}; swap them")
        if self.heldout + self.validation > 1:
            raise ValueError(f"heldout {self.heldout} and validation {self.validation} exceed 1; lower one")
        return self
