"""Pictures and members of a ledger row, made again from its source and its trace."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.decoding import Decoded, decode
from pipeline.dataset import Dataset
from pipeline.encoding import clean_extension, encode_lossless
from pipeline.harvest.photograph import fitted, shrunk
from pipeline.harvest.references import ReferenceStore
from pipeline.members import describe
from pipeline.replay import read_partner_of, replay
from pipeline.sources.uri import read_uri
from schemas.ledger import LedgerRow
from schemas.recipe import Recipe


class Pictures(NamedTuple):
    """uint8 (H, W, 3), sRGB; `clean` is None for a harvested photograph without a reference. data: the source's file,
    which `source` is the decoded picture of.
    """

    degraded: NDArray[np.uint8]
    clean: NDArray[np.uint8] | None
    source: Decoded
    data: bytes


def pictures_of(row: LedgerRow, dataset: Dataset, recipe: Recipe) -> Pictures:
    """The pictures that the run made of a row.

    Raises OSError or ValueError where the source's bytes are gone or others, or the row was never degraded, and what
    `replay` raises.
    """
    data = read_uri(row.uri)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise ValueError(f"{row.uri}: other bytes than those of the run (sha256 {row.sha256[:16]}); bring them back")
    most = recipe.decode.max_pixels
    decoded = decode(data, most)
    if row.trace is not None and row.trace.steps:
        partner = read_partner_of(row.trace, dataset)
        patterns = recipe.degradations.patterns
        degraded = replay(data, row.trace, most, recipe.cues, patterns, partner)
        return Pictures(degraded, decoded.pixels, decoded, data)
    if "input.short_side" not in row.scores:
        raise ValueError(f"{row.sample_key} was never degraded ({row.reason}); it cannot be made again")
    photograph = shrunk(decoded.pixels, recipe.harvest.pixels)
    if row.trace is None:
        return Pictures(photograph, None, decoded, data)
    reference = decode(ReferenceStore(dataset.references).read(row.sample_key), most).pixels
    return Pictures(photograph, fitted(reference, photograph), decoded, data)


def remake(row: LedgerRow, dataset: Dataset, recipe: Recipe) -> dict[str, bytes]:
    """The encoded members of a row of `dataset`, equal to those that the run would have written.

    Raises ValueError for a row without a clean picture, and what `pictures_of` raises.
    """
    pictures = pictures_of(row, dataset, recipe)
    if pictures.clean is None or row.trace is None:
        raise ValueError(f"{row.sample_key} has no clean reference; harvest again with a generator")
    lossless = recipe.shards.degraded_format
    clean, clean_format = encode_lossless(pictures.clean, "png"), "png"
    if row.trace.steps and pictures.source.unchanged:
        clean, clean_format = pictures.data, clean_extension(pictures.source)
    return {
        f"lq.{lossless}": encode_lossless(pictures.degraded, lossless),
        f"gt.{clean_format}": clean,
        "json": describe(row, row.task, row.scores, row.trace),
    }
