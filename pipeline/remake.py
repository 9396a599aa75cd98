"""The members of a sample that no shard holds, made again from its source and its trace."""

from __future__ import annotations

import hashlib

from filters.decoding import decode
from pipeline.dataset import Dataset
from pipeline.encoding import clean_extension, encode_lossless
from pipeline.harvest.photograph import fitted, shrunk
from pipeline.harvest.references import ReferenceStore
from pipeline.members import describe
from pipeline.replay import read_partner_of, replay
from pipeline.sources.uri import read_uri
from schemas.ledger import LedgerRow
from schemas.recipe import Recipe


def remake(row: LedgerRow, dataset: Dataset, recipe: Recipe) -> dict[str, bytes]:
    """The encoded members of a row of `dataset` that has a trace, equal to those that the run would have written.

    Raises OSError or ValueError where the source's bytes are gone or others, and what `replay` raises.
    """
    if row.trace is None:
        raise ValueError(f"{row.sample_key} was never degraded ({row.reason}); it cannot be made again")
    data = read_uri(row.uri)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise ValueError(f"{row.uri}: other bytes than those of the run (sha256 {row.sha256[:16]}); bring them back")
    decoded = decode(data, recipe.decode.max_pixels)
    lossless = recipe.shards.degraded_format
    if row.trace.steps:
        partner = read_partner_of(row.trace, dataset)
        patterns = recipe.degradations.patterns
        degraded = replay(data, row.trace, recipe.decode.max_pixels, recipe.cues, patterns, partner)
        clean = data if decoded.unchanged else encode_lossless(decoded.pixels, "png")
        clean_format = clean_extension(decoded)
    else:
        degraded = shrunk(decoded.pixels, recipe.harvest.pixels)
        reference = decode(ReferenceStore(dataset.references).read(row.sample_key), recipe.decode.max_pixels).pixels
        clean, clean_format = encode_lossless(fitted(reference, degraded), "png"), "png"
    return {
        f"lq.{lossless}": encode_lossless(degraded, lossless),
        f"gt.{clean_format}": clean,
        "json": describe(row, row.task, row.scores, row.trace),
    }
